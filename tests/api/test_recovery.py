"""Who forgot the password gets a link by mail, which signs in once."""

import hashlib
import itertools
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from couch.client import couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.mail_server import MailServer, ReceivedMail
from tests.support.servers import Running, wait_until

PATH = "/v2/user_auth/recovery"
UI = "https://ui.example.com/kazoo/"
NO_LINK = "No link was sent"
SETTINGS = {
    "EMAIL_FROM": "Voicemail <voicemail@example.com>",
    "MONSTER_UI_URLS": "https://ui.example.com/kazoo,https://*.example.org:8443,http://localhost:*",
    "BEHIND_TLS_PROXY": "1",
}
_addresses = (f"198.51.{third}.{fourth}" for third, fourth in itertools.product(range(100, 110), range(1, 255)))


@dataclass
class User:
    """A user who forgot the password."""

    id: str
    account: Account
    username: str
    email: str

    def naming(self, **members: Any) -> dict[str, Any]:
        """What the user tells the web interface, and what that adds."""
        return {"username": self.username, "account_name": self.account.name, "ui_url": UI + "#/login", **members}


@dataclass
class Client:
    """A web interface that nobody is signed in to, at an address of its own."""

    api: Api
    address: str

    def ask(self, data: dict[str, Any]) -> requests.Response:
        """The answer to a request for a link."""
        return self.api.put(PATH, data, headers={"X-Forwarded-For": self.address})

    def use(self, reset_id: str) -> requests.Response:
        """The answer to the use of a link."""
        return self.api.post(PATH, {"reset_id": reset_id}, headers={"X-Forwarded-For": self.address})

    def sign_in(self, user: User, password: str) -> int:
        """The status of signing in by password."""
        digest = hashlib.md5(f"{user.username}:{password}".encode()).hexdigest()
        data = {"credentials": digest, "account_realm": user.account.realm}
        return self.api.put("/v2/user_auth", data, headers={"X-Forwarded-For": self.address}).status_code


@pytest.fixture(scope="module")
def mailing(server_with: Callable[..., Running], mail_server: MailServer) -> Running:
    """A service with a mail server."""
    return server_with(EMAIL_URL=mail_server.url, **SETTINGS)


@pytest.fixture
def client(mailing: Running) -> Client:
    return Client(Api(mailing.url, ""), next(_addresses))


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def new_user(api: Api, account: Account) -> Callable[..., User]:
    """Creates users of the account."""

    def create(**members: Any) -> User:
        unique = secrets.token_hex(6)
        data = {
            "first_name": "Ada",
            "last_name": "Example",
            "username": f"Ada-{unique}",
            "password": "forgotten 1",
            "email": f"ada-{unique}@example.com",
            **members,
        }
        answer = api.put("users", data)
        assert answer.status_code == 201, answer.text
        return User(answer.json()["data"]["id"], account, f"ada-{unique}", data["email"] or "")

    return create


@pytest.fixture
def user(new_user: Callable[..., User]) -> User:
    return new_user()


def reset_id_of(mail: ReceivedMail) -> str:
    links = re.findall(r"https?://\S+", mail.part("plain"))
    assert len(links) == 1
    page, _, reset_id = links[0].partition("#/?recovery=")
    assert page == UI
    return str(reset_id)


def get_link(client: Client, user: User, mail_server: MailServer, count: int = 1) -> str:
    """The secret of a new link, the user's n-th."""
    assert client.ask(user.naming()).status_code == 201
    return reset_id_of(mail_server.wait_for(user.email, count)[-1])


def test_a_link_signs_its_user_in_to_choose_a_password(client: Client, user: User, mail_server: MailServer) -> None:
    answer = client.use(get_link(client, user, mail_server))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    envelope = answer.json()
    assert (envelope["data"]["account_id"], envelope["data"]["owner_id"]) == (user.account.id, user.id)
    signed_in = Api(client.api.url, user.account.id, envelope["auth_token"])
    assert signed_in.get(f"users/{user.id}").json()["data"]["require_password_update"] is True
    chosen = {"password": "remembered 2", "require_password_update": False}
    assert signed_in.patch(f"users/{user.id}", chosen).status_code == 200
    assert client.sign_in(user, "forgotten 1") == 401
    assert client.sign_in(user, "remembered 2") == 201


def test_the_mail_says_what_it_is_for(client: Client, user: User, mail_server: MailServer) -> None:
    reset_id = get_link(client, user, mail_server)
    (mail,) = mail_server.mails_to(user.email)
    assert mail.recipients == (user.email,)
    assert (mail.message["To"], mail.message["From"]) == (user.email, SETTINGS["EMAIL_FROM"])
    assert mail.message["Subject"] == f"A new password for {user.account.name}"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    for body in (mail.part("plain"), mail.part("html")):
        assert f"{UI}#/?recovery={reset_id}" in body
        assert "within 15 minutes" in body
        assert user.username in body
        assert user.account.name in body


def test_names_in_the_html_are_no_markup(
    client: Client, new_user: Callable[..., User], mail_server: MailServer
) -> None:
    user = new_user(first_name="<b>Ada</b>")
    get_link(client, user, mail_server)
    (mail,) = mail_server.mails_to(user.email)
    assert "&lt;b&gt;Ada&lt;/b&gt;" in mail.part("html")
    assert "Hello <b>Ada</b>," in mail.part("plain")


@pytest.mark.parametrize("name", ["account_name", "account_realm"])
def test_the_account_may_be_named_as_for_signing_in(
    client: Client, user: User, mail_server: MailServer, name: str
) -> None:
    names = {"account_name": user.account.name.upper(), "account_realm": user.account.realm}
    data = {"username": user.username.upper(), name: names[name], "ui_url": UI}
    assert client.ask(data).status_code == 201
    assert len(mail_server.wait_for(user.email)) == 1


def test_a_link_works_once(client: Client, user: User, mail_server: MailServer) -> None:
    reset_id = get_link(client, user, mail_server)
    assert client.use(reset_id).status_code == 201
    answer = client.use(reset_id)
    assert (answer.status_code, answer.json()["message"]) == (401, "invalid_credentials")


def test_of_many_clients_with_one_link_one_gets_in(client: Client, user: User, mail_server: MailServer) -> None:
    reset_id = get_link(client, user, mail_server)
    clients = [Client(Api(client.api.url, ""), next(_addresses)) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(lambda racer: racer.use(reset_id).status_code, clients))
    assert sorted(statuses) == [201] + [401] * 7


def test_a_link_ends_with_its_time(client: Client, user: User, mail_server: MailServer) -> None:
    reset_id = get_link(client, user, mail_server)
    database = couch().database(database_names.TOKENS)
    link_id = hashlib.sha256(reset_id.encode()).hexdigest()
    link = database.get(link_id)
    assert link is not None
    assert 0 < link["exp"] - time.time() <= 900
    database.update(link_id, lambda doc: {**doc, "exp": int(time.time())})
    assert client.use(reset_id).status_code == 401


def test_only_a_digest_of_a_link_is_stored(client: Client, user: User, mail_server: MailServer) -> None:
    reset_id = get_link(client, user, mail_server)
    assert len(bytes.fromhex(reset_id)) == 32
    rows = couch().database(database_names.TOKENS).all_docs(include_docs=True)
    links = [row["doc"] for row in rows if row["doc"].get("owner_id") == user.id]
    assert len(links) == 1
    assert reset_id not in str(links)


@pytest.mark.parametrize(
    "change",
    [
        {"password": "changed 3"},
        {"email": "new-ada@example.com"},
        {"enabled": False},
    ],
)
def test_a_link_ends_with_what_it_was_sent_for(
    client: Client, api: Api, user: User, mail_server: MailServer, change: dict[str, Any]
) -> None:
    reset_id = get_link(client, user, mail_server)
    assert api.patch(f"users/{user.id}", change).status_code == 200
    assert client.use(reset_id).status_code == 401


def test_a_new_password_ends_all_links_of_its_user(client: Client, user: User, mail_server: MailServer) -> None:
    reset_ids = [get_link(client, user, mail_server, count) for count in (1, 2)]
    token = client.use(reset_ids[0]).json()["auth_token"]
    signed_in = Api(client.api.url, user.account.id, token)
    assert signed_in.patch(f"users/{user.id}", {"password": "remembered 2"}).status_code == 200
    assert client.use(reset_ids[1]).status_code == 401


@pytest.mark.parametrize("reset_id", ["", "x", "a" * 64, "A" * 64, "../token_auth", "A" * 10_000, 1, None])
def test_what_is_no_link_is_refused(client: Client, reset_id: Any) -> None:
    assert client.use(reset_id).status_code == (401 if reset_id and isinstance(reset_id, str) else 400)


def test_guesses_of_links_are_throttled(client: Client) -> None:
    statuses = [client.use(secrets.token_hex(32)).status_code for _ in range(21)]
    assert statuses == [401] * 20 + [429]


def test_an_unknown_user_or_account_is_answered_like_a_known_one(
    client: Client, mailing: Running, user: User
) -> None:
    known = client.ask(user.naming())
    unsent = mailing.logged().count(NO_LINK)
    unknowns = [
        client.ask(user.naming(username="nobody")),
        client.ask(user.naming(account_name="No account of this name")),
    ]
    for answer in unknowns:
        assert answer.status_code == known.status_code == 201
        assert answer.headers.keys() == known.headers.keys()
        assert answer.json()["data"] == known.json()["data"]
        assert answer.json().keys() == known.json().keys()
    wait_until(lambda: mailing.logged().count(NO_LINK) == unsent + 2)


@pytest.mark.parametrize("members", [{"enabled": False}, {"email": None}])
def test_who_may_not_sign_in_or_has_no_address_gets_nothing(
    client: Client, mailing: Running, new_user: Callable[..., User], mail_server: MailServer, members: dict[str, Any]
) -> None:
    user = new_user(**{name: value for name, value in members.items() if value is not None})
    if "email" in members:
        database = couch().database(database_names.account_db(user.account.id))
        database.update(user.id, lambda doc: {name: doc[name] for name in doc if name != "email"})
    unsent = mailing.logged().count(NO_LINK)
    assert client.ask(user.naming()).status_code == 201
    wait_until(lambda: mailing.logged().count(NO_LINK) == unsent + 1)
    assert mail_server.mails_to(user.email) == []


def test_the_users_of_a_disabled_account_get_nothing(
    client: Client, mailing: Running, new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    closed = new_account()
    log_in(closed).patch(f"users/{closed.user_id}", {"email": "boss@example.com"})
    database = couch().database(database_names.account_db(closed.id))
    database.update(closed.id, lambda doc: {**doc, "pvt_enabled": False})
    unsent = mailing.logged().count(NO_LINK)
    assert client.ask(User(closed.user_id, closed, closed.username, "").naming()).status_code == 201
    wait_until(lambda: mailing.logged().count(NO_LINK) == unsent + 1)


@pytest.mark.parametrize(
    "ui_url",
    [
        "https://evil.example.net/",
        "http://ui.example.com/kazoo/",
        "https://ui.example.com/",
        "https://ui.example.com/kazoos/",
        "https://ui.example.com/kazoo/../redirect",
        "https://ui.example.com/kazoo/%2e%2e/redirect",
        "https://ui.example.com:8443/kazoo/",
        "https://ui.example.com.evil.example.net/kazoo/",
        "https://ui.example.com@evil.example.net/kazoo/",
        "https://evil.example.net\\@ui.example.com/kazoo/",
        "https://evil.example.net#https://ui.example.com/kazoo/",
        "https://example.org:8443/",
        "https://evilexample.org:8443/",
        "https://*.example.org:8443/",
        "http://localhost:*/",
        "javascript:alert(1)//https://ui.example.com/kazoo/",
        "//ui.example.com/kazoo/",
        "https://ui.example.com/kazoo/\nBcc: eve@example.net",
        "ui.example.com",
    ],
)
def test_a_link_leads_only_to_a_web_interface_that_is_allowed(client: Client, user: User, ui_url: str) -> None:
    answer = client.ask(user.naming(ui_url=ui_url))
    assert answer.status_code == 400
    assert answer.json()["data"]["ui_url"].keys() == {"forbidden"}


@pytest.mark.parametrize(
    ("ui_url", "page"),
    [
        ("https://UI.example.com/kazoo", "https://ui.example.com/kazoo"),
        ("https://ui.example.com:443/kazoo/index.html?a=b#/apps", "https://ui.example.com:443/kazoo/index.html"),
        ("https://reseller.example.org:8443", "https://reseller.example.org:8443/"),
        ("http://localhost:3000/?next=//evil.example.net#", "http://localhost:3000/"),
    ],
)
def test_a_link_leads_to_the_page_without_its_query(
    client: Client, user: User, mail_server: MailServer, ui_url: str, page: str
) -> None:
    assert client.ask(user.naming(ui_url=ui_url)).status_code == 201
    (mail,) = mail_server.wait_for(user.email)
    assert f"\n{page}#/?recovery=" in mail.part("plain")


@pytest.mark.parametrize("member", ["username", "account_name", "ui_url"])
def test_a_missing_member_is_named(client: Client, user: User, member: str) -> None:
    data = {name: value for name, value in user.naming().items() if name != member}
    answer = client.ask(data)
    assert answer.status_code == 400
    assert answer.json()["data"][member].keys() == {"required"}


def test_logs_have_neither_addresses_nor_links(
    client: Client, mailing: Running, user: User, mail_server: MailServer
) -> None:
    reset_id = get_link(client, user, mail_server)
    assert client.use(reset_id).status_code == 201
    wait_until(lambda: f'"user_id":"{user.id}"' in mailing.logged().replace(": ", ":"))
    assert user.email not in mailing.logged()
    assert reset_id not in mailing.logged()


def test_while_the_mail_server_is_away_nothing_is_sent_and_a_user_may_try_again(
    server_with: Callable[..., Running], new_mail_server: Callable[[], MailServer], user: User
) -> None:
    away = new_mail_server()
    running = server_with(EMAIL_URL=away.url, **SETTINGS)
    client = Client(Api(running.url, ""), next(_addresses))
    failure = "No link for a forgotten password was sent"
    away.stop()
    assert client.ask(user.naming()).status_code == 201
    wait_until(lambda: running.logged().count(f"{failure}: ConnectionRefusedError") == 1)
    away.start()
    away.refusal = f"550 No such user: {user.email}"
    assert client.ask(user.naming()).status_code == 201
    wait_until(lambda: running.logged().count(f"{failure}: SMTPDataError 550") == 1)
    away.refusal = ""
    assert client.use(get_link(client, user, away)).status_code == 201
    assert user.email not in running.logged()


def test_a_user_is_sent_few_mails_and_an_address_and_an_account_get_few(
    server_with: Callable[..., Running],
    mail_server: MailServer,
    new_account: Callable[..., Account],
    log_in: Callable[..., Api],
) -> None:
    running = server_with(
        EMAIL_URL=mail_server.url,
        RECOVERY_MAILS_PER_USER="2",
        SIGN_IN_FAILURES="4",
        SIGN_IN_FAILURES_PER_ACCOUNT="6",
        **SETTINGS,
    )
    own = new_account()
    user = User(own.user_id, own, own.username, f"{own.username}@example.com")
    assert log_in(own).patch(f"users/{own.user_id}", {"email": user.email}).status_code == 200
    busy_address, unknown_account = next(_addresses), secrets.token_hex(8)

    def ask(address: str, **members: Any) -> requests.Response:
        return Client(Api(running.url, ""), address).ask(
            {**user.naming(), "account_name": unknown_account, **members}
        )

    def ask_for_user(address: str) -> requests.Response:
        return ask(address, account_name=user.account.name)

    assert [ask_for_user(next(_addresses)).status_code for _ in range(3)] == [201, 201, 429]
    assert int(ask_for_user(next(_addresses)).headers["Retry-After"]) > 0
    assert [ask(next(_addresses)).status_code for _ in range(3)] == [201, 201, 429]
    assert [ask(busy_address, username=f"nobody-{n}").status_code for n in range(5)] == [201] * 4 + [429]
    assert [ask(next(_addresses), username=f"nobody-{n}").status_code for n in range(4, 6)] == [429, 429]
    assert ask(next(_addresses), account_name="Another account").status_code == 201
    assert len(mail_server.wait_for(user.email, 2)) == 2


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_without_a_mail_server_there_is_no_recovery(server: Running, method: str) -> None:
    answer = Api(server.url, "").request(method, PATH, json={"data": {"username": "ada", "reset_id": "x"}})
    assert (answer.status_code, answer.json()["message"]) == (404, "not_found")
