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

Try these, from this directory:

# log in
TOKEN=$(curl -s -X PUT {url}/v2/user_auth -H 'Content-Type: application/json' \\
    -d '{{"data": {{"credentials": "{credentials}", "account_realm": "{realm}"}}}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["auth_token"])')

# list the mailboxes
curl -s -H "X-Auth-Token: $TOKEN" '{account_url}/vmboxes?pretty=true'

# list the messages of one, newest first, last month's included
curl -s -H "X-Auth-Token: $TOKEN" '{account_url}/vmboxes/{box_id}/messages?pretty=true'

# download a message's audio (then play message.mp3)
curl -s -H "X-Auth-Token: $TOKEN" -o message.mp3 {account_url}/vmboxes/{box_id}/messages/{message_id}/raw

# leave a message, its audio in the same request
curl -s -X PUT -H "X-Auth-Token: $TOKEN" -H 'Content-Type: multipart/mixed' \\
    -F 'content={{"data": {{"caller_id_name": "Me", "caller_id_number": "2001"}}}};type=application/json' \\
    -F 'content=@{recording};type=audio/mpeg' \\
    '{account_url}/vmboxes/{box_id}/messages?pretty=true'
"""


def welcome(url: str, demo: dict[str, str], data: Path) -> str:
    """The text for a service at `url` with a demo account (as voicemail.demo makes it)."""
    spelled = f"{demo['username']}:{demo['password']}"
    # Kazoo's clients send this hash; it is as good as the password, which is printed beside it.
    credentials = hashlib.md5(spelled.encode(), usedforsecurity=False).hexdigest()
    account_url = f"{url}/v2/accounts/{demo['account_id']}"
    return _TEXT.format(url=url, account_url=account_url, credentials=credentials, data=data, **demo)
