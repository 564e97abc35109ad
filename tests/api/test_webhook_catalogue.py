"""/v2/webhooks and /v2/webhooks/samples: which hooks there are, for everybody."""

import pytest

from tests.support.api_client import Api
from tests.support.servers import Running


@pytest.fixture(scope="module")
def anonymous(server: Running) -> Api:
    return Api(server.url, "")


def test_the_hooks_are_listed_with_what_can_be_chosen(anonymous: Api) -> None:
    hooks = {hook["id"]: hook["modifiers"] for hook in anonymous.get("/v2/webhooks").json()["data"]}
    assert set(hooks) == {"notifications", "object", "all"}
    notifications = ["voicemail_new", "voicemail_saved", "voicemail_deleted", "voicemail_full", "all"]
    assert hooks["notifications"]["type"]["items"] == notifications
    assert {"vmbox", "mailbox_message", "user", "account", "media", "all"} == set(hooks["object"]["type"]["items"])
    assert hooks["object"]["action"]["items"] == ["doc_created", "doc_edited", "doc_deleted", "all"]


def test_each_hook_has_samples(anonymous: Api) -> None:
    names = anonymous.get("/v2/webhooks/samples").json()["data"]
    assert names == ["all", "notifications", "object"]
    samples = {name: anonymous.get(f"/v2/webhooks/samples/{name}").json()["data"] for name in names}
    assert set(samples["notifications"]) == {f"voicemail_{kind}" for kind in ("new", "saved", "deleted", "full")}
    assert samples["object"]["doc_edited"]["action"] == "doc_edited"
    assert samples["all"] == {**samples["notifications"], **samples["object"]}
    assert anonymous.get("/v2/webhooks/samples/nothing").status_code == 404
