"""The overview on the desk's first page, and the lists that its figures lead to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from couch.client import couch
from couch.database import Database
from notifications.models import Mail, State
from overview.jobs import collect_overview
from overview.models import Collection
from storage import database_names, gregorian, modbs
from tests.support import kazoo_messages
from tests.support.api_client import Account, Api
from tests.support.operators import Desk, limit, new_operator
from tests.support.overview import collect
from tests.support.servers import Running, Service
from webhooks import attempts

Operator = Callable[..., Desk]
LIST = "desk/account/overview/{}/"


def card_of(page: str, title: str) -> str:
    """A card of the first page."""
    card = page.partition(f"<h3>{title}</h3>")[2].partition("</li>\n  ")[0]
    assert card, f"there is no card {title}"
    return card


def test_before_the_first_collection_the_page_says_what_to_do(operator: Operator, service: Service) -> None:
    with service.models():
        Collection.objects.all().delete()
    page = operator("Read only").get("").text
    assert "No figures yet: no worker runs. Start manage.py db_worker" in page
    assert "Collect now" not in page
    assert "No worker runs. Start manage.py db_worker" in card_of(page, "Jobs")


def test_figures_are_collected_when_somebody_asks_for_it(operator: Operator, service: Service) -> None:
    desk = operator("Administrators")
    assert "Collect now" in desk.get("").text
    answer = desk.send("desk/account/overview/collect/")
    assert "The figures are collected as soon as a worker runs" in answer.text
    with service.models():
        queued = DBTaskResult.objects.filter(task_path=collect_overview.module_path)
        assert queued.exists()
        queued.delete()
    assert operator("Read only").send("desk/account/overview/collect/").status_code == 403


def test_the_first_page_shows_figures_that_lead_to_their_lists(
    operator: Operator, service: Service, account: Account, api: Api, db: Database
) -> None:
    box = api.new_box(max_message_count=1, name="Reception")
    kazoo_messages.leave(account, box, [gregorian.now()] * 2)
    hook = api.put("webhooks", {"name": "CRM", "uri": "https://crm.example.com/", "hook": "all"}).json()["data"]
    attempts.store_attempt(account.id, {"hook_id": hook["id"], "event_id": "1", "result": "failure"})
    month = modbs.months_ahead()[1]
    couch().drop(database_names.modb(account.id, month))
    with service.models():
        collect(account)
    desk = operator("Administrators")
    page = desk.get("").text
    assert "Figures of this minute." in page
    info = couch().info()
    assert f"CouchDB {info['version']} answers" in page
    assert ("It is embedded, not for production." in card_of(page, "CouchDB")) == ("embedded" in info["features"])
    assert "Worth a look" in card_of(page, "Full mailboxes")
    assert f'href="/admin/{LIST.format("full-mailboxes")}"' in card_of(page, "Full mailboxes")
    assert "Needs somebody" in card_of(page, "Failed deliveries of 24 hours")
    assert f"desk/mailbox/{account.id}/{box['id']}/" in desk.get(LIST.format("full-mailboxes")).text
    assert f"desk/webhook/{account.id}/{hook['id']}/?result=failure" in desk.get(LIST.format("failed-webhooks")).text
    lacking = desk.get(LIST.format("databases"), lacks="months").text
    assert f"desk/account/{account.id}/create-months/" in lacking
    assert month in lacking.partition(account.name)[2]
    assert account.name not in desk.get(LIST.format("databases"), lacks="views").text
    desk.post(f"desk/account/{account.id}/create-months/")
    assert account.name not in desk.get(LIST.format("databases")).text
    for order in ("", "messages"):
        assert account.name in desk.get(LIST.format("storage"), by=order).text


def test_failed_mails_of_the_last_day_are_listed(operator: Operator, service: Service, account: Account) -> None:
    now = timezone.now()
    mails = [
        Mail(
            event_id=f"{number}{account.id}"[:32],
            template="voicemail_to_email",
            account_id=account.id,
            mailbox_id="1",
            state=State.FAILED,
            error=error,
            due_at=now - timedelta(hours=hours),
        )
        for number, (error, hours) in enumerate((("no such user", 1), ("long ago", 25)))
    ]
    with service.models():
        Mail.objects.bulk_create(mails)
        collect(account)
    desk = operator("Read only")
    page = desk.get(LIST.format("failed-mails")).text
    assert "no such user" in page
    assert "long ago" not in page
    assert "Needs somebody" in card_of(desk.get("").text, "Failed deliveries of 24 hours")


def test_odd_days_lead_to_their_messages(operator: Operator, service: Service, account: Account, api: Api) -> None:
    created = gregorian.now() - 60 * kazoo_messages.DAY
    couch().database(database_names.ACCOUNTS).update(account.id, lambda doc: {**doc, "pvt_created": created})
    kazoo_messages.leave(account, api.new_box(), [gregorian.now()] * 10)
    with service.models():
        collect(account)
    desk = operator("Read only")
    assert "Worth a look" in card_of(desk.get("").text, "Odd days")
    day = f"{gregorian.to_datetime(gregorian.now()):%Y-%m-%d}"
    link = f"desk/message/?account={account.id}&amp;since={day}&amp;until={day}"
    assert link in desk.get(LIST.format("odd-days")).text


@pytest.mark.parametrize("name", ["databases", "full-mailboxes", "failed-mails", "failed-webhooks"])
def test_a_list_needs_the_permission_of_what_it_lists(operator: Operator, name: str) -> None:
    assert operator(permissions=("view_account",)).get(LIST.format(name)).status_code == 403
    assert operator("Read only").get(LIST.format(name)).status_code == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("repeated-webhooks", "No event waits to be sent again."),
        ("repeated-mails", "No mail waits to be sent again."),
        ("migrations", "No run."),
    ],
)
def test_a_list_says_that_it_is_empty(operator: Operator, name: str, text: str) -> None:
    assert text in operator("Read only").get(LIST.format(name)).text


def test_there_is_no_list_of_another_name(operator: Operator) -> None:
    assert operator("Read only").get(LIST.format("nothing")).status_code == 404


def test_an_operator_who_may_see_no_accounts_has_no_overview(operator: Operator) -> None:
    assert "overview-heading" not in operator(permissions=("view_job",)).get("").text


def test_a_limited_operator_sees_the_figures_of_its_accounts_alone(
    server: Running, service: Service, account: Account, api: Api, new_account: Callable[..., Account]
) -> None:
    own = new_account(parent=account.id)
    kazoo_messages.leave(account, api.new_box(max_message_count=1, name="Foreign"), [gregorian.now()] * 3)
    with service.models():
        collect(account, own)
    desk = new_operator(server.url, service, ("Administrators",), ())
    limit(service, desk, own)
    page = desk.get("").text
    assert "Overview of your accounts" in page
    assert "0 mailboxes are full" in card_of(page, "Full mailboxes")
    assert "in 1 account" in page
    assert account.name not in page
    for title in ("CouchDB", "Events", "Jobs"):
        assert f"<h3>{title}</h3>" not in page
    assert "Collect now" not in page
    assert desk.send("desk/account/overview/collect/").status_code == 403
    for name in ("full-mailboxes", "storage"):
        assert account.name not in desk.get(LIST.format(name)).text
    assert own.name in desk.get(LIST.format("storage")).text
