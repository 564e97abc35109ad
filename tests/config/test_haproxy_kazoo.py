"""deploy/haproxy-kazoo.cfg: one address for a Kazoo and this service, in front of stand-ins for both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.haproxy import start_haproxy
from tests.support.scripted_server import ScriptedServer
from tests.support.servers import direct, free_port, wait_until

ACCOUNT, USER, BOX = "a" * 32, "b" * 32, "c" * 32
VOICEMAIL = [
    f"accounts/{ACCOUNT}/vmboxes",
    f"accounts/{ACCOUNT}/vmboxes/",
    f"accounts/{ACCOUNT}/vmboxes/{BOX}/messages/202611-{BOX}/raw?auth_token=x",
    f"accounts/{ACCOUNT}/vmboxes?page_size=1",
    f"accounts/{ACCOUNT}/%76mboxes",
    f"accounts/{ACCOUNT}/users/{USER}/vmboxes",
]
OTHERS = [
    "user_auth",
    "auth/tokeninfo",
    f"accounts/{ACCOUNT}",
    f"accounts/{ACCOUNT}/users/{USER}",
    f"accounts/{ACCOUNT}/devices?filter=/vmboxes",
    f"accounts/{ACCOUNT}/vmboxes_of_others",
    f"accounts/{ACCOUNT}/devices/vmboxes",
]


def stand_in(name: str, port: int = 0) -> ScriptedServer:
    """A server that answers everything with its name."""
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(name)}\r\n\r\n{name}"
    return ScriptedServer(lambda request, number: answer.encode(), port=port)


class Proxy:
    """HAProxy in front of a stand-in for each service."""

    def __init__(self, folder: Path) -> None:
        self.kazoo, self.vmboxes = stand_in("kazoo"), stand_in("vmboxes")
        https, http = free_port(), free_port()
        self.url, self.plain_url = f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}"
        environment = {
            "BIND_HTTPS": f"127.0.0.1:{https}",
            "BIND_HTTP": f"127.0.0.1:{http}",
            **{f"KAZOO_{number}": f"127.0.0.1:{self.kazoo.port}" for number in (1, 2)},
            **{f"VMBOXES_{number}": f"127.0.0.1:{self.vmboxes.port}" for number in (1, 2)},
        }
        self.process = start_haproxy("deploy/haproxy-kazoo.cfg", folder, environment)
        wait_until(lambda: self.process.poll() is not None or self.asked("user_auth") == "kazoo")
        wait_until(lambda: self.process.poll() is not None or self.asked(VOICEMAIL[0]) == "vmboxes")
        assert self.process.poll() is None, (folder / "haproxy.log").read_text()

    def get(self, path: str, **headers: str) -> requests.Response:
        """The answer to a request."""
        return direct().get(f"{self.url}/v2/{path}", headers=headers, verify=False, timeout=30)

    def asked(self, path: str) -> str:
        """Which service answers a path; empty if none does."""
        try:
            answer = self.get(path)
        except requests.ConnectionError:
            return ""
        return answer.text if answer.ok else ""

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=30)
        self.kazoo.stop()
        self.vmboxes.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy whose services are both there."""
    started = Proxy(tmp_path_factory.mktemp("proxy"))
    yield started
    started.stop()


@pytest.fixture
def own_proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy of the test's own."""
    started = Proxy(tmp_path)
    yield started
    started.stop()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
class TestRouting:
    """Which service gets what."""

    @pytest.mark.parametrize("path", VOICEMAIL)
    def test_voicemail_goes_to_this_service(self, proxy: Proxy, path: str) -> None:
        assert proxy.asked(path) == "vmboxes"

    @pytest.mark.parametrize("path", OTHERS)
    def test_all_else_goes_to_kazoo(self, proxy: Proxy, path: str) -> None:
        assert proxy.asked(path) == "kazoo"

    def test_a_request_without_tls_is_sent_to_the_address_with_it(self, proxy: Proxy) -> None:
        answer = direct().get(f"{proxy.plain_url}/v2/user_auth", allow_redirects=False, timeout=30)
        assert answer.status_code == 308

    def test_a_service_learns_the_clients_address_from_the_proxy_alone(self, proxy: Proxy) -> None:
        proxy.get(VOICEMAIL[0], **{"X-Forwarded-For": "192.0.2.66", "X-Request-ID": "made-by-the-test"})
        request = next(r for r in reversed(proxy.vmboxes.requests) if b"made-by-the-test" in r).lower()
        assert b"x-forwarded-for: 127.0.0.1" in request
        assert b"x-forwarded-proto: https" in request
        assert b"192.0.2.66" not in request

    def test_kazoo_answers_voicemail_while_no_instance_is_there(self, own_proxy: Proxy) -> None:
        own_proxy.vmboxes.stop()
        wait_until(lambda: own_proxy.asked(VOICEMAIL[0]) == "kazoo")

    def test_people_sign_in_here_while_kazoo_is_away(self, own_proxy: Proxy) -> None:
        own_proxy.kazoo.stop()
        wait_until(lambda: own_proxy.asked("user_auth") == "vmboxes")
        assert own_proxy.asked(VOICEMAIL[0]) == "vmboxes"
        answer = own_proxy.get(f"accounts/{ACCOUNT}/devices")
        assert answer.status_code == 503
        assert answer.json()["status"] == "error"
