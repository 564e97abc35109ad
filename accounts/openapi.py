"""What the API document says of accounts, users, signing in, and what anybody may ask."""

from typing import Any

from accounts import openapi_samples as samples
from crossbar.openapi.bodies import answer, listing, sent
from crossbar.openapi.dialect import Node, component
from crossbar.openapi.operations import Operation, Table, link
from crossbar.openapi.parameters import FILTERS, KNOWN, PAGES, UNCHANGED, id_in_path, path

_ACCOUNT = "/v2/accounts/{account_id}"
_USER = f"{_ACCOUNT}/users/{{user_id}}"
_SESSIONS, _ACCOUNTS, _USERS, _REFERENCE = "Signing in", "Accounts", "Users", "Reference"
TAGS: list[Node] = [
    {"name": _SESSIONS, "description": "Tokens: for a user name and password, or for an API key."},
    {"name": _ACCOUNTS, "description": "Tenants, which form a tree: an administrator acts on everything below."},
    {"name": _USERS, "description": "Who uses an account."},
    {"name": _REFERENCE, "description": "What needs no token."},
]
PARAMETERS = {
    "account_id": path(
        "account_id",
        "The account's id.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$", "example": samples.ACCOUNT_ID},
    ),
    "user_id": id_in_path("user_id", "The user's id."),
    "name": id_in_path("name", "The schema's name."),
}

_ID: Node = {"type": "string", "description": "Its id"}
_KNOWN: Node = {
    "created": {"type": "integer", "description": "When it was created, in Gregorian seconds"},
    "superduper_admin": {"type": "boolean", "description": "Its administrators may act on every account"},
    "is_reseller": {"type": "boolean", "description": "It sells to those below it"},
    "reseller_id": {"type": "string", "description": "Who sells to it"},
}
_SESSION: Node = {
    "type": "object",
    "description": "What a token is good for",
    "properties": {
        "account_id": {"type": "string"},
        "owner_id": {"type": "string", "description": "The user; an API key has none"},
        "account_name": {"type": ["string", "null"]},
        "language": {"type": "string"},
        "is_master_account": {"type": "boolean"},
        "is_reseller": {"type": "boolean"},
        "reseller_id": {"type": ["string", "null"]},
        "cluster_id": {"type": "string"},
        "capabilities": {"type": "object"},
        "ui_config": {"type": "object"},
        "apps": {"type": "array"},
        "method": {"type": "string", "description": "How it was got"},
    },
    "required": ["account_id", "account_name", "language", "is_master_account", "capabilities"],
}
_SUMMARY: Node = {
    "type": "object",
    "properties": {"id": _ID, "features": {"type": "array"}, "username": {"type": "string"}},
    "required": ["id", "features"],
}
_BELOW: Node = {
    "type": "object",
    "properties": {
        "id": _ID,
        "name": {"type": ["string", "null"]},
        "realm": {"type": ["string", "null"]},
        "tree": {"type": "array", "items": {"type": "string"}, "description": "Its ancestors, the topmost first"},
    },
    "required": ["id"],
}
SCHEMAS: dict[str, Node] = {
    "Account": {
        "description": "An account as it is shown",
        "allOf": [component("accounts"), {"type": "object", "properties": {"id": _ID, **_KNOWN}, "required": ["id"]}],
    },
    "User": {
        "description": "A user as it is shown: without password",
        "allOf": [component("users"), {"type": "object", "properties": {"id": _ID}, "required": ["id"]}],
    },
    "Session": _SESSION,
    "ApiKey": {
        "type": "object",
        "properties": {"api_key": {"type": "string", "description": "64 hex digits; empty for none"}},
        "required": ["api_key"],
    },
}
_PATCHED = "What is `null` is removed, objects are merged member by member."
_FIRST_USER = "An account is of use once it has a user: create one next."


def _account(description: str) -> Node:
    return answer(description, component("Account"), samples.ACCOUNT)


def _new_account() -> Node:
    links = {"account": link("getAccount", "The account", account_id="$response.body#/data/id")}
    data = component("Account")
    return answer("The new account.", data, samples.ACCOUNT, headers=["Location"], links=links)


def _user(description: str) -> Node:
    return answer(description, component("User"), samples.USER)


def _session(description: str, sample: Any) -> Node:
    return answer(description, component("Session"), sample)


def _api_key(description: str) -> Node:
    return answer(description, component("ApiKey"), {"api_key": samples.API_KEY})


_USER_LINKS = {
    name: link(name, text, account_id="$request.path.account_id", user_id="$response.body#/data/id")
    for name, text in (("getUser", "The user"), ("patchUser", "Change it"), ("deleteUser", "Remove it"))
}

OPERATIONS: Table = {
    ("PUT", "/v2/user_auth"): Operation(
        "signIn",
        _SESSIONS,
        "Sign in with a user name and password",
        {201: _session("Signed in; the envelope holds `auth_token`.", samples.SESSION)},
        "`credentials` is the md5 (or with `method` sha the sha1) of `username:password`, in hex, with the user name "
        "in lower case. One of `account_id`, `account_realm` and `account_name` says whose user it is.",
        body=sent(component("user_auth"), samples.CREDENTIALS),
        errors=(401, 429),
        public=True,
    ),
    ("PUT", "/v2/api_auth"): Operation(
        "signInWithApiKey",
        _SESSIONS,
        "Sign in with an account's API key",
        {201: _session("Signed in; the envelope holds `auth_token`.", samples.API_SESSION)},
        body=sent(component("api_auth"), {"api_key": samples.API_KEY}),
        errors=(401, 429),
        public=True,
    ),
    ("GET", "/v2/token_auth"): Operation(
        "getSession",
        _SESSIONS,
        "What a token is good for",
        {200: _session("The token is good.", samples.SESSION)},
        parameters=(KNOWN,),
    ),
    ("DELETE", "/v2/token_auth"): Operation(
        "signOut",
        _SESSIONS,
        "Sign out",
        {200: _session("The token is no longer good, within 10 seconds on every instance.", samples.SESSION)},
    ),
    ("PUT", "/v2/accounts"): Operation(
        "createAccount",
        _ACCOUNTS,
        "Create an account below one's own",
        {201: _new_account()},
        _FIRST_USER,
        body=sent(component("accounts"), samples.NEW_ACCOUNT),
    ),
    ("GET", _ACCOUNT): Operation(
        "getAccount", _ACCOUNTS, "One account", {200: _account("The account.")}, parameters=(KNOWN,)
    ),
    ("PUT", _ACCOUNT): Operation(
        "createAccountBelow",
        _ACCOUNTS,
        "Create an account below this one",
        {201: _new_account()},
        _FIRST_USER,
        body=sent(component("accounts"), samples.NEW_ACCOUNT),
    ),
    ("POST", _ACCOUNT): Operation(
        "replaceAccount",
        _ACCOUNTS,
        "Replace an account",
        {200: _account("The account as it is now.")},
        "A realm, or `enabled`, that isn't said stays as it is.",
        (UNCHANGED,),
        sent(component("accounts"), samples.NEW_ACCOUNT),
    ),
    ("PATCH", _ACCOUNT): Operation(
        "patchAccount",
        _ACCOUNTS,
        "Change some of an account",
        {200: _account("The account as it is now.")},
        _PATCHED,
        (UNCHANGED,),
        sent(component("accounts_changes"), {"timezone": "Europe/Berlin"}),
    ),
    ("DELETE", _ACCOUNT): Operation(
        "deleteAccount",
        _ACCOUNTS,
        "Delete an account",
        {200: _account("The account as it was.")},
        "Not while there are accounts below it, and never the master account.",
        (UNCHANGED,),
    ),
    ("GET", f"{_ACCOUNT}/descendants"): Operation(
        "listDescendants",
        _ACCOUNTS,
        "The accounts below, however far",
        {200: listing("A page of accounts, by name.", _BELOW, [samples.BELOW])},
        parameters=(*PAGES, *FILTERS, KNOWN),
    ),
    ("GET", f"{_ACCOUNT}/children"): Operation(
        "listChildren",
        _ACCOUNTS,
        "The accounts right below",
        {200: listing("A page of accounts, by name.", _BELOW, [samples.BELOW])},
        parameters=(*PAGES, *FILTERS, KNOWN),
    ),
    ("GET", f"{_ACCOUNT}/api_key"): Operation(
        "getApiKey", _ACCOUNTS, "The account's API key", {200: _api_key("The key.")}, parameters=(KNOWN,)
    ),
    ("PUT", f"{_ACCOUNT}/api_key"): Operation(
        "renewApiKey",
        _ACCOUNTS,
        "Make a new API key",
        {201: _api_key("The new key.")},
        "The old one, and the tokens it was good for, end.",
    ),
    ("GET", f"{_ACCOUNT}/users"): Operation(
        "listUsers",
        _USERS,
        "The users of an account",
        {200: listing("A page of users, by user name.", _SUMMARY, [samples.USER_SUMMARY])},
        parameters=(*PAGES, *FILTERS, KNOWN),
    ),
    ("PUT", f"{_ACCOUNT}/users"): Operation(
        "createUser",
        _USERS,
        "Create a user",
        {201: answer("The new user.", component("User"), samples.USER, headers=["Location"], links=_USER_LINKS)},
        "Without a password it can't sign in until it gets one.",
        body=sent(component("users"), samples.NEW_USER),
    ),
    ("GET", _USER): Operation("getUser", _USERS, "One user", {200: _user("The user.")}, parameters=(KNOWN,)),
    ("POST", _USER): Operation(
        "replaceUser",
        _USERS,
        "Replace a user",
        {200: _user("The user as it is now.")},
        "Without a password the old one stays. A new user name needs the password, too.",
        (UNCHANGED,),
        sent(component("users"), samples.NEW_USER),
    ),
    ("PATCH", _USER): Operation(
        "patchUser",
        _USERS,
        "Change some of a user",
        {200: _user("The user as it is now.")},
        _PATCHED,
        (UNCHANGED,),
        sent(component("users_changes"), {"email": "ada@example.com"}),
    ),
    ("DELETE", _USER): Operation(
        "deleteUser",
        _USERS,
        "Remove a user",
        {200: _user("The user as it was.")},
        "Its name is free again, and its tokens end.",
        (UNCHANGED,),
    ),
    ("GET", "/v2/schemas"): Operation(
        "listSchemas",
        _REFERENCE,
        "The names of all schemas",
        {200: answer("The names.", {"type": "array", "items": {"type": "string"}}, ["users", "vmboxes"])},
        parameters=(KNOWN,),
        public=True,
    ),
    ("GET", "/v2/schemas/{name}"): Operation(
        "getSchema",
        _REFERENCE,
        "One schema",
        {200: answer("The schema, in JSON schema's draft-04.", {"type": "object"}, samples.SCHEMA)},
        "As requests are checked against it right now; the schemas of this document are those that the service "
        "comes with.",
        (KNOWN,),
        errors=(404,),
        public=True,
    ),
    ("GET", "/v2/about"): Operation(
        "getAbout",
        _REFERENCE,
        "What answers here",
        {200: answer("Name and version.", {"type": "object"}, {"name": "vmboxes", "version": "1.0.0"})},
        parameters=(KNOWN,),
        public=True,
    ),
}
