"""The curl commands of the API document, letter by letter, and the answers that it shows for them.

A word in braces (``{VM_BOX_ID}``) stands for what the reader has to fill in. What the document prints of an answer
is kept to what is the answer's own: `BOX` and `MESSAGE` are the `data` of one document.
"""

from typing import Any

LIST_BOXES = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes
"""

CREATE_BOX = r"""
curl -v -X PUT \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -H "Content-Type: application/json" \
    -d '{"data": {"name": "VMBox 0", "require_pin": true, "is_setup": false, "pin": "0000", "mailbox": "3000", "timezone": "America/Los_Angeles", "check_if_owner": true, "delete_after_notify": false, "not_configurable": false, "notify_email_addresses": [], "save_after_notify": false, "skip_greeting": false, "skip_instructions": false, "owner_id": "f1d98a5df729f95cd208ee9430e3b21b", "media":{}}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes
"""  # noqa: E501

FETCH_BOX = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}
"""

CHANGE_BOX = r"""
curl -v -X POST \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -H "Content-Type: application/json" \
    -d '{"data": {"name": "VMBox 0", "require_pin": true, "is_setup": false, "pin": "0000", "mailbox": "3000", "timezone": "America/Los_Angeles", "check_if_owner": true, "delete_after_notify": false, "not_configurable": false, "notify_email_addresses": [], "save_after_notify": false, "skip_greeting": false, "skip_instructions": false, "owner_id": "f1d98a5df729f95cd208ee9430e3b21b", "media":{}}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}
"""  # noqa: E501

PATCH_BOX = r"""
curl -v -X PATCH \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -d '{"data":{"some_key":"some_value"}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}
"""

REMOVE_BOX = r"""
curl -v -X DELETE \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}
"""

LIST_ALL_MESSAGES = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/messages
"""

LIST_MESSAGES = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages
"""

LIST_MESSAGES_IN_PAGES = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages?paginate=true
"""

CREATE_MESSAGE_UNQUOTED = r"""
curl -v -X PUT \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -d {"data":{"caller_id_name":"someone","caller_id_number":"6001","folder":"new","from":"1001@aeac33.sip.2600hz.com"}} \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages
"""  # noqa: E501

CREATE_MESSAGE_WITH_AUDIO_BESIDE_BOXES = r"""
curl -v -X PUT \
     -H "Content-Type: multipart/mixed" \
     -F "content=@message.json; type=application/json" \
     -F "content=@voice.mp3; type=audio/mp3" \
     -H 'X-Auth-Token: {AUTH_TOKEN}' \
     http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/messages
"""

CHANGE_MESSAGES = r"""
curl -v -X POST \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -H "Content-Type: application/json" \
    -d '{"data": {"folder": "saved", "messages": ["MSG_ID1", "MSG_ID2", "MSG_ID3"]}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages
"""

REMOVE_MESSAGES = r"""
curl -v -X DELETE \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages
"""

FETCH_MESSAGE = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}
"""

CHANGE_MESSAGE = r"""
curl -v -X POST \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -d '{"data": {"folder": "saved"}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}
"""

REMOVE_MESSAGE = r"""
curl -v -X DELETE \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}
"""

FETCH_ZIP = r"""
curl -v -X POST \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -H "Content-Type: application/json" \
    -H "Accept: application/zip" \
    -d '{"data": {"messages": ["MSG_ID1", "MSG_ID2", "MSG_ID3"]}}' \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/raw
"""

FETCH_AUDIO = r"""
curl -v -X GET \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}/raw
"""

CREATE_AUDIO = r"""
curl -v -X PUT \
    -H "X-Auth-Token: {AUTH_TOKEN}" \
    -H "Content-Type: multipart/mixed" \
    -F "content=@voice.mp3; type=audio/mp3" \
    http://{SERVER}:8000/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}/raw
"""

#: What is around every answer.
ENVELOPE = {"auth_token", "data", "revision", "request_id", "status"}
#: What else there may be around it, by the conventions of all of Kazoo's endpoints.
BESIDE = {"metadata", "timestamp", "version", "node", "page_size", "start_key", "next_start_key"}

#: A box in the listing of boxes, but its id.
BOX_ENTRY: dict[str, Any] = {
    "name": "VMBox 0",
    "flags": [],
    "mailbox": "3000",
    "owner_id": "f1d98a5df729f95cd208ee9430e3b21b",
    "messages": 4,
}

#: A box, but its id.
BOX: dict[str, Any] = {
    "name": "VMBox 0",
    "require_pin": True,
    "is_setup": False,
    "pin": "0000",
    "mailbox": "3000",
    "timezone": "America/Los_Angeles",
    "check_if_owner": True,
    "delete_after_notify": False,
    "not_configurable": False,
    "notify_email_addresses": [],
    "save_after_notify": False,
    "skip_greeting": False,
    "skip_instructions": False,
    "media": {},
    "after_forward_action": "save",
    "aliases": [],
    "announcement_only": False,
    "envelope_type": "default",
    "include_message_on_notify": True,
    "include_transcription_on_notify": True,
    "is_voicemail_ff_rw_enabled": False,
    "media_extension": "mp3",
    "oldest_message_first": False,
    "seek_duration_ms": 10000,
    "skip_envelope": False,
    "transcribe": False,
    "vm_message_forward_type": "only_forward",
    "owner_id": "f1d98a5df729f95cd208ee9430e3b21b",
}

#: A message, but its time and ids.
MESSAGE: dict[str, Any] = {
    "from": "1001@aeac33.sip.2600hz.com",
    "to": "1000@aeac33.sip.2600hz.com",
    "caller_id_number": "1001",
    "caller_id_name": "userb userb",
    "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
    "folder": "new",
    "length": 3140,
}

TRANSCRIPTION = {"result": "success", "text": "This is a test of the voicemail transcription."}
