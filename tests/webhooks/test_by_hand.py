"""What operators have sent at the desk: a test, and an event once more."""

from collections.abc import Callable

from tests.support.api_client import Account, Api
from tests.support.operators import Desk
from tests.support.receivers import Receiver, Reply
from tests.webhooks.test_delivery import attempts_of, told

Receivers = Callable[..., Receiver]
NewHook = Callable[..., str]
Operator = Callable[..., Desk]


def test_a_test_is_sent_even_if_the_hook_is_disabled_and_its_answer_is_listed(
    api: Api, account: Account, receiver: Receivers, new_hook: NewHook, fresh_operator: Operator
) -> None:
    crm = receiver(Reply(503, {}, b"not now"), Reply(202))
    hook_id = new_hook(crm.url(), format="json", enabled=False, custom_data={"type": "voicemail_saved"})
    desk, path = fresh_operator("Support"), f"desk/webhook/{account.id}/{hook_id}/"
    assert "is being sent" in desk.post(f"{path}test/").text
    payload = told(crm)[0].json
    assert (payload["test"], payload["event_name"], payload["account_id"]) == (True, "voicemail_saved", account.id)
    (attempt,) = attempts_of(api, hook_id, 1)
    assert (attempt["resp_status_code"], "next_try" in attempt) == (503, False)
    assert "is being sent" in desk.post(f"{path}test/").text
    assert attempts_of(api, hook_id, 2)[0]["result"] == "success"
    assert "tested" in desk.get(f"{path}history/").text


def test_an_event_is_sent_again_with_its_id_to_where_the_hook_leads_now(
    api: Api, account: Account, receiver: Receivers, new_hook: NewHook, fresh_operator: Operator
) -> None:
    wrong, right = receiver(Reply(404)), receiver()
    hook_id = new_hook(wrong.url(), hook="object", format="json", custom_data={"type": "vmbox"})
    box_id = api.new_box()["id"]
    (attempt,) = attempts_of(api, hook_id, 1)
    api.patch(f"webhooks/{hook_id}", {"uri": right.url("/fixed")})
    desk, path = fresh_operator("Support"), f"desk/webhook/{account.id}/{hook_id}/"
    assert "is being sent" in desk.post(f"{path}attempts/{attempt['id']}/send/").text
    (request,) = told(right)
    assert (request.path, request.json["id"]) == ("/fixed", box_id)
    assert request.event_id == attempt["event_id"] == wrong.received[0].event_id
    assert attempts_of(api, hook_id, 2)[0]["result"] == "success"
    assert "sent again" in desk.get(f"{path}history/").text


def test_an_event_that_waits_is_sent_sooner(
    api: Api, account: Account, receiver: Receivers, new_hook: NewHook, fresh_operator: Operator
) -> None:
    crm = receiver(Reply(503, {"Retry-After": "3600"}), Reply(200))
    hook_id = new_hook(crm.url(), hook="object")
    api.new_box()
    (attempt,) = attempts_of(api, hook_id, 1)
    desk = fresh_operator("Support")
    desk.post(f"desk/webhook/{account.id}/{hook_id}/attempts/{attempt['id']}/send/")
    assert [request.event_id for request in told(crm, 2)] == [attempt["event_id"]] * 2
