"""Samples of boxes and messages for the API document, in the shapes of Kazoo's own. Nobody's."""

BOX_ID = "3a63acc3694ba189947235ae4727941b"
OTHER_BOX_ID = "0e820108c0f4ca391500f3be1b02bdfa"
MESSAGE_ID = "201605-6aadef09f6fcf5fd8bcdfca312e923ba"
GONE_ID = "201605-49be0985ea3a33046f8073083517d27b"
START_KEY = "WyIyMDE2MDUiLFsiM2E2MyIsNjM2MzAwNTg0MTNdLCIyMDE2MDUtZjBjMyJd"

NEW_BOX = {
    "name": "Front desk",
    "mailbox": "3000",
    "pin": "4821",
    "require_pin": True,
    "timezone": "America/Los_Angeles",
    "owner_id": "f1d98a5df729f95cd208ee9430e3b21b",
    "media": {},
    "notify_email_addresses": [],
}
_DEFAULTS = {
    "after_forward_action": "save",
    "aliases": [],
    "announcement_only": False,
    "check_if_owner": True,
    "delete_after_notify": False,
    "envelope_type": "default",
    "include_message_on_notify": True,
    "include_transcription_on_notify": True,
    "is_setup": False,
    "is_voicemail_ff_rw_enabled": False,
    "media_extension": "mp3",
    "not_configurable": False,
    "oldest_message_first": False,
    "save_after_notify": False,
    "seek_duration_ms": 10000,
    "skip_envelope": False,
    "skip_greeting": False,
    "skip_instructions": False,
    "transcribe": False,
    "vm_message_forward_type": "only_forward",
}
BOX = {**NEW_BOX, **_DEFAULTS, "id": BOX_ID}
BOX_TIMES = {"id": BOX_ID, "created": 63_883_426_366, "modified": 63_883_427_077}
BOX_SUMMARY = {
    "id": BOX_ID,
    "name": "Front desk",
    "flags": [],
    "mailbox": "3000",
    "owner_id": "f1d98a5df729f95cd208ee9430e3b21b",
    "messages": 4,
    "folders": {"new": 3, "saved": 1},
}
BOXES_CSV = f"""id,name,mailbox,owner_id,messages,flags,folders.new,folders.saved
{BOX_ID},Front desk,3000,f1d98a5df729f95cd208ee9430e3b21b,4,[],3,1
"""

NEW_MESSAGE = {"caller_id_name": "Sam", "caller_id_number": "6001", "folder": "new", "from": "1001@sip.example.com"}
_HEARD = {
    "timestamp": 63_630_058_722,
    "from": "1001@sip.example.com",
    "to": "3000@sip.example.com",
    "caller_id_number": "6001",
    "caller_id_name": "Sam",
    "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
    "folder": "new",
    "length": 3140,
    "media_id": MESSAGE_ID,
}
SUMMARY = {**_HEARD, "transcribed": True}
MESSAGES_CSV = f"""timestamp,from,to,caller_id_number,caller_id_name,call_id,folder,length,media_id,transcribed
63630058722,1001@sip.example.com,3000@sip.example.com,6001,Sam,79959ZDN,new,3140,{MESSAGE_ID},true
"""
MESSAGE = {
    **_HEARD,
    "id": MESSAGE_ID,
    "from_user": "1001",
    "from_realm": "sip.example.com",
    "to_user": "3000",
    "to_realm": "sip.example.com",
    "transcription": {"result": "success", "text": "Hi, it's Sam, call me back when you can."},
}
OUTCOME = {"succeeded": [MESSAGE_ID], "failed": [{GONE_ID: "not_found"}]}
