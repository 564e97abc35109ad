"""The text that `make run` prints once the service is ready: who can log in, and commands to try."""

import hashlib
from pathlib import Path

_TEXT = """
The voicemail service answers at {url}. Ctrl-C ends it; its data stays in {data}, its logs are in {data}/log.

  account      {account_name}
  account id   {account_id}
  realm        {realm}
  user         {username}
  password     {password}
  API key      {api_key}

The operators' desk is at {url}/admin/.

  operator     {operator}
  password     {operator_password}

The API, to browse and try: {url}/v2/docs

Try these, from this directory:

# log in
ACCOUNT={url}/v2/accounts/{account_id}
BOX={box_id}
TOKEN=$(curl -s -X PUT {url}/v2/user_auth -H 'Content-Type: application/json' \\
    -d '{{"data": {{"credentials": "{credentials}", "account_realm": "{realm}"}}}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["auth_token"])')

# list the mailboxes
curl -s -H "X-Auth-Token: $TOKEN" "$ACCOUNT/vmboxes?pretty=true"

# list the messages of one mailbox, newest first, last month's included
curl -s -H "X-Auth-Token: $TOKEN" "$ACCOUNT/vmboxes/$BOX/messages?pretty=true"

# download a message's audio (then play message.mp3)
curl -s -H "X-Auth-Token: $TOKEN" -o message.mp3 \\
    "$ACCOUNT/vmboxes/$BOX/messages/{message_id}/raw"

# leave a message, with its audio in the same request
curl -s -X PUT -H "X-Auth-Token: $TOKEN" -H 'Content-Type: multipart/mixed' \\
    -F 'content={{"data": {{"caller_id_name": "Me", "caller_id_number": "2001"}}}};type=application/json' \\
    -F 'content=@{recording};type=audio/mpeg' \\
    "$ACCOUNT/vmboxes/$BOX/messages?pretty=true"
"""


def welcome(url: str, demo: dict[str, str], data: Path) -> str:
    """The text for a service at `url` with a demo account and its operator (from voicemail.demo and
    operators.demo).
    """
    user_and_password = f"{demo['username']}:{demo['password']}"
    # Kazoo's clients send this MD5 hash. Here it needs no protection: the password itself is printed, too.
    credentials = hashlib.md5(user_and_password.encode(), usedforsecurity=False).hexdigest()
    values = {
        **demo,
        "operator_password": demo["operator_password"] or "(changed; manage.py changepassword sets a new one)",
    }
    return _TEXT.format(url=url, credentials=credentials, data=data, **values)
