"""A refused upload is answered before its end, and its connection stays usable."""

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.support.api_client import Account, Api

UPLOAD = b"\0" * 3_000_000
AUDIO = {"Content-Type": "audio/mpeg"}


def pieces() -> Iterator[bytes]:
    """The upload in chunks, without its length."""
    for start in range(0, len(UPLOAD), 100_000):
        yield UPLOAD[start : start + 100_000]


REFUSED: dict[str, tuple[int, Callable[[Api, bytes | Iterator[bytes]], requests.Response]]] = {
    "without a token": (
        401,
        lambda api, body: api.without_token().put("vmboxes/x/messages/y/raw", body, headers=AUDIO),
    ),
    "an unknown box": (404, lambda api, body: api.put("vmboxes/x/messages", body, headers=AUDIO)),
    "an unknown path": (404, lambda api, body: api.put("no-such-thing", body, headers=AUDIO)),
    "a wrong verb": (405, lambda api, body: api.patch("vmboxes/messages", body, headers=AUDIO)),
    "too large an envelope": (413, lambda api, body: api.put("vmboxes", body)),
}


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account, which no test changes."""
    return shared_account


@pytest.mark.parametrize("chunked", [False, True], ids=["length said", "chunked"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_upload_is_answered_and_the_connection_stays(api: Api, case: str, chunked: bool) -> None:
    status, send = REFUSED[case]
    api.get("vmboxes")
    for _ in range(3):
        answer = send(api, pieces() if chunked else UPLOAD)
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == "error"
    assert api.get("vmboxes").status_code == 200
