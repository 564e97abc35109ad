"""What `make run` prints once everything runs: who may log in, and lines to copy and try."""

import hashlib
from pathlib import Path

_TEXT = """
The voicemail service answers at {url}. Ctrl-C ends it; its data stays in {data}, its logs are in {data}/log.

  account id   {account_id}
  realm        {realm}
  user         {username}
  password     {password}
  API key      {api_key}

The operators' desk is at {url}/admin/.

  operator     {operator}
  password     {operator_password}

The API to browse: {url}/v2/docs

Try these, from this directory:

# log in
ACCOUNT={url}/v2/accounts/{account_id}
BOX={box_id}
TOKEN=$(curl -s -X PUT {url}/v2/user_auth -H 'Content-Type: application/json' \\
    -d '{{"data": {{"credentials": "{credentials}", "account_realm": "{realm}"}}}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["auth_token"])')

# list the mailboxes
curl -s -H "X-Auth-Token: $TOKEN" "$ACCOUNT/vmboxes?pretty=true"

# list the messages of one, newest first, last month's included
curl -s -H "X-Auth-Token: $TOKEN" "$ACCOUNT/vmboxes/$BOX/messages?pretty=true"

# download a message's audio (then play message.mp3)
curl -s -H "X-Auth-Token: $TOKEN" -o message.mp3 \\
    "$ACCOUNT/vmboxes/$BOX/messages/{message_id}/raw"

# leave a message, its audio in the same request
curl -s -X PUT -H "X-Auth-Token: $TOKEN" -H 'Content-Type: multipart/mixed' \\
    -F 'content={{"data": {{"caller_id_name": "Me", "caller_id_number": "2001"}}}};type=application/json' \\
    -F 'content=@{recording};type=audio/mpeg' \\
    "$ACCOUNT/vmboxes/$BOX/messages?pretty=true"
"""


def welcome(url: str, demo: dict[str, str], data: Path) -> str:
    """The text for a service at `url` with a demo account and its operator (as voicemail.demo and
    accounts.demo_operator make them).
    """
    spelled = f"{demo['username']}:{demo['password']}"
    # Kazoo's clients send this hash; it is as good as the password, which is printed beside it.
    credentials = hashlib.md5(spelled.encode(), usedforsecurity=False).hexdigest()
    shown = {
        **demo,
        "operator_password": demo["operator_password"] or "(as it was changed: manage.py changepassword)",
    }
    return _TEXT.format(url=url, credentials=credentials, data=data, **shown)
