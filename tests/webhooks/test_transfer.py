"""Requests for webhooks over real connections: what they send, how long they wait, and where they don't go."""

import socket
import threading
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.support.receivers import Receiver, Reply
from tests.support.servers import free_port
from webhooks.sending import transfer
from webhooks.sending.transfer import Answer, Request

LOCAL = [ip_network("127.0.0.1/32")]
Receivers = Callable[..., Receiver]


def send(uri: str, method: str = "POST", body: bytes = b"a=1", **headers: str) -> Answer:
    return transfer.send(Request(method, uri, headers, body, frozenset(headers)), LOCAL)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_a_request_arrives_as_it_is(receiver: Receivers, method: str) -> None:
    crm = receiver(Reply(201, {"X-Answer": "yes"}, b"thanks"))
    body = b"" if method == "GET" else "ä=1".encode()
    answer = send(crm.url("/x?y=1"), method, body, Authorization="Bearer 1", Empty="")
    (request,) = crm.received
    assert (request.method, request.path, request.body) == (method, "/x?y=1", body)
    assert (request.headers["authorization"], request.headers["empty"]) == ("Bearer 1", "")
    assert "expect" not in request.headers
    assert (answer.status, answer.headers["x-answer"], answer.body, answer.error) == (201, "yes", b"thanks", "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_gets_the_same_request(receiver: Receivers, status: int) -> None:
    crm = receiver(Reply(status, {"Location": "/moved?z=2"}), Reply(200))
    assert send(crm.url("/x"), Token="1").status == 200
    assert [(request.method, request.path, request.body) for request in crm.received] == [
        ("POST", "/x", b"a=1"),
        ("POST", "/moved?z=2", b"a=1"),
    ]
    assert crm.received[1].headers["token"] == "1"


def test_custom_headers_do_not_go_to_another_host(receiver: Receivers) -> None:
    stranger = receiver()
    crm = receiver(Reply(307, {"Location": stranger.url("/")}))
    assert send(crm.url(), Token="1").status == 200
    assert "token" not in stranger.received[0].headers


def test_redirects_end(receiver: Receivers) -> None:
    crm = receiver(Reply(302, {"Location": "/again"}))
    answer = send(crm.url())
    assert (answer.status, answer.may_be_repeated, len(crm.received)) == (302, False, 4)
    assert answer.error == "more than 3 redirects"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_X"])
def test_redirects_lead_to_http_only(receiver: Receivers, location: str) -> None:
    answer = send(receiver(Reply(302, {"Location": location})).url())
    assert (answer.status, answer.error) == (302, "redirected to what is no http or https address")


class TestRefusedAddresses:
    """Only 127.0.0.1 is allowed in these tests: everything else on this machine must get no connection."""

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.2", "127.1.1.1", "2130706434", "0x7f000002", "0177.0.0.2", "0x7f.2", "0.0.0.0", "0"),
            *("[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[::]", "169.254.169.254", "10.0.0.1", "[fe80::1]"),
            *("[64:ff9b::7f00:2]", "user:password@127.0.0.2", "127.0.0.2.", "[::1]"),
        ],
    )
    def test_an_address_of_any_spelling_is_checked(self, receiver: Receivers, host: str) -> None:
        everywhere = receiver(host="0.0.0.0")
        answer = send(everywhere.url("/", host))
        assert (answer.status, answer.may_be_repeated) == (None, False), answer.error
        assert everywhere.received == []
        assert "no address that webhooks may be sent to" in answer.error

    @pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "127.1"])
    def test_an_allowed_one_may_be_spelled_in_any_way(self, receiver: Receivers, host: str) -> None:
        crm = receiver(host="127.0.0.1")
        answer = send(crm.url("/", host))
        # Linux connects a socket of IPv6 to a mapped address over IPv4.
        assert answer.status == 200, answer.error

    def test_a_name_is_checked_by_what_it_resolves_to(self, receiver: Receivers) -> None:
        everywhere = receiver(host="0.0.0.0")
        request = Request("POST", everywhere.url("/", "localhost"), {}, b"")
        refused = transfer.send(request, [])
        assert (refused.status, refused.may_be_repeated) == (None, False)
        assert "127.0.0.1" in refused.error or "::1" in refused.error
        assert everywhere.received == []
        assert transfer.send(request, LOCAL).status == 200

    @pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.2:{port}/"])
    def test_a_redirect_is_checked(self, receiver: Receivers, target: str) -> None:
        everywhere = receiver(host="0.0.0.0")
        crm = receiver(Reply(307, {"Location": target.format(port=everywhere.port)}))
        answer = send(crm.url())
        assert (answer.status, everywhere.received) == (None, [])
        assert "no address that webhooks may be sent to" in answer.error

    @pytest.mark.parametrize(
        "uri", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/"]
    )
    def test_other_schemes_of_old_documents_are_refused(self, uri: str) -> None:
        answer = send(uri)
        assert (answer.status, answer.may_be_repeated) == (None, False)

    def test_no_proxy_is_asked(self, receiver: Receivers, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy, everywhere = receiver(), receiver(host="0.0.0.0")
        for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert send(everywhere.url("/", "127.0.0.2")).status is None
        assert send(everywhere.url()).status == 200
        assert proxy.received == []


class TestSlowReceivers:
    """Receivers that are silent, slow or endless."""

    @pytest.fixture
    def short_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The time that a receiver has is shorter than in earnest."""
        monkeypatch.setattr(transfer, "ANSWER_SECONDS", 2)
        monkeypatch.setattr(transfer, "CONNECT_SECONDS", 1)

    @pytest.mark.usefixtures("short_waits")
    def test_a_silent_receiver_is_given_up(self, receiver: Receivers) -> None:
        release = threading.Event()
        answer = send(receiver(Reply(pause=release.wait)).url())
        release.set()
        assert (answer.status, answer.may_be_repeated) == (None, True)

    @pytest.mark.usefixtures("short_waits")
    def test_a_receiver_that_takes_no_connection_is_given_up(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            clients = [socket.socket() for _ in range(4)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            answer = send(f"http://127.0.0.1:{full.getsockname()[1]}/")
            for client in clients:
                client.close()
        assert (answer.status, answer.may_be_repeated) == (None, True)

    def test_a_refused_connection_may_be_repeated(self, receiver: Receivers) -> None:
        gone = receiver(port=free_port())
        gone.stop()
        answer = send(gone.url())
        assert (answer.status, answer.may_be_repeated) == (None, True)

    def test_the_beginning_of_a_long_answer_is_enough(self, receiver: Receivers) -> None:
        answer = send(receiver(Reply(200, {}, b"x" * 10_000_000)).url())
        assert (answer.status, answer.body) == (200, b"x" * transfer.BODY_LIMIT)

    @pytest.mark.usefixtures("short_waits")
    def test_a_status_counts_though_the_body_never_ends(self, receiver: Receivers) -> None:
        crm = receiver(Reply(503, {"Content-Length": "1000", "Retry-After": "7"}, b"so"))
        answer = send(crm.url())
        assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "7", b"so")

    def test_headers_are_limited(self, receiver: Receivers) -> None:
        headers = {f"X-{number}": "v" * 2_000 for number in range(100)}
        answer = send(receiver(Reply(200, headers)).url())
        assert (answer.status, len(answer.headers)) == (200, 64)
        assert max(map(len, answer.headers.values())) == 1024


def test_an_unknown_certificate_is_refused(receiver: Receivers, certificate: Path) -> None:
    answer = send(receiver(certificate=str(certificate)).url("/", "localhost"))
    assert answer.status is None
    assert "certificate" in answer.error.lower()


def test_a_certificate_of_a_trusted_authority_is_accepted(
    receiver: Receivers, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send(receiver(certificate=str(certificate)).url("/", "localhost")).status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    pem = serialization.Encoding.PEM
    unprotected = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unprotected) + signed.public_bytes(pem)
    )
    return path
