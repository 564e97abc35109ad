"""What all lists of the desk can do: pages forth and back, sorting, columns, totals, time zones, and files."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from desk.models import AuditEntry
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave
from tests.support.message_lists import link, path_of_list, row_ids, text_of
from tests.support.operators import PIN, Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception")


def choose(desk: Desk, list_name: str, columns: list[str], shown: list[str], page_size: str = "") -> None:
    """Choose the columns of a list, and the size of its pages."""
    token = desk.get("").text.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    data: dict[str, Any] = {"csrfmiddlewaretoken": token, "list": list_name, "column": columns, "shown": shown}
    response = desk.session.post(f"{desk.url}/admin/list-columns/", data={**data, "page_size": page_size}, timeout=60)
    assert response.status_code == 200


def headings(page: str) -> list[str]:
    """The headings of a page's table."""
    cells = re.findall(r'<th scope="col"[^>]*><div class="text">(.*?)</div>', page)
    return [re.sub("<[^>]+>", "", cell) for cell in cells]


def test_pages_lead_forth_and_back(fresh_operator: Operator, account: Account, box: dict[str, Any]) -> None:
    ids = leave(account, box, [NOW - number for number in range(80)])
    desk = fresh_operator("Read only", "Support")
    choose(desk, "messages", [], [], "25")
    path = "desk/message/"
    pages = [desk.get(path_of_list(account, box)).text]
    assert "25 on this page, 80 in all" in text_of(desk.get(path_of_list(account, box)))
    assert "25 on this page, 80 in all" in text_of(desk.get(path_of_list(account, box, "&folder=new")))
    assert "0 on this page, 0 in all" in text_of(desk.get(path_of_list(account, box, "&folder=saved")))
    assert not link(pages[0], "Previous page")
    for _ in range(3):
        pages.append(desk.get(path + link(pages[-1], "Next page")).text)
    assert [row.partition(" ")[2] for page in pages for row in row_ids(page)] == ids
    assert not link(pages[3], "Next page")
    back = pages[3]
    for number in (2, 1, 0):
        back = desk.get(path + link(back, "Previous page")).text
        assert row_ids(back) == row_ids(pages[number])
    assert not link(back, "Previous page")
    assert not link(back, "First page")


def test_messages_are_sorted_by_time_both_ways(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    ids = leave(account, box, [NOW - number for number in range(60)])
    desk = operator("Support")
    newest = desk.get(path_of_list(account, box)).text
    assert 'aria-sort="descending"' in newest
    oldest = desk.get("desk/message/" + link(newest, r"Time \(UTC\)")).text
    assert 'aria-sort="ascending"' in oldest
    second = desk.get("desk/message/" + link(oldest, "Next page")).text
    assert [row.partition(" ")[2] for page in (oldest, second) for row in row_ids(page)] == ids[::-1]


def test_mailboxes_are_sorted_by_number_name_and_messages(operator: Operator, account: Account, api: Api) -> None:
    boxes = [api.new_box(number, name=name) for number, name in (("900", "B"), ("1000", "C"), ("30", "A"))]
    leave(account, boxes[0], [NOW, NOW - 1])
    leave(account, boxes[1], [NOW], folder="saved")
    desk = operator("Read only")

    def order(sort: str) -> list[str]:
        page = desk.get("desk/mailbox/", account=account.id, sort=sort).text
        return re.findall(r'<th scope="row"[^>]*><a [^>]*><bdi>(\d+)</bdi>', page)

    assert order("mailbox") == ["30", "900", "1000"]
    assert order("-mailbox") == ["1000", "900", "30"]
    assert order("name") == order("strange") == ["30", "900", "1000"]
    assert order("-name") == ["1000", "900", "30"]
    assert order("-messages") == ["900", "1000", "30"]
    assert order("-saved")[0] == "1000"
    assert "3 on this page, 3 in all" in text_of(desk.get("desk/mailbox/", account=account.id))


def test_users_are_sorted_and_a_search_is_not(operator: Operator, account: Account, api: Api) -> None:
    for name, mail in (("zoe", "b@example.com"), ("amy", "c@example.com")):
        user = {"first_name": name, "last_name": "Ray", "username": name, "email": mail}
        assert api.put("users", {**user, "password": "secret 12"}).status_code == 201
    desk = operator("Read only")

    def order(**query: str) -> list[str]:
        page = desk.get("desk/accountuser/", account=account.id, **query).text
        return [name for name in re.findall(r"<bdi>(\w+)</bdi>", page) if name in ("zoe", "amy")]

    assert order() == order(sort="name") == ["amy", "zoe"]
    assert order(sort="-username") == order(sort="email") == ["zoe", "amy"]
    assert (
        'href="?account'
        not in desk.get("desk/accountuser/", account=account.id, q="ray")
        .text.partition("<thead>")[2]
        .partition("</thead>")[0]
    )


def test_columns_are_chosen_by_operator_and_list(
    fresh_operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    leave(account, box, [NOW])
    desk, colleague = fresh_operator("Read only"), fresh_operator("Read only")
    columns = ["caller_number", "caller_name", "folder", "length", "transcribed"]
    choose(desk, "messages", columns, ["caller_name", "folder"])
    page = desk.get(path_of_list(account, box)).text
    assert headings(page) == ["Time (UTC)", "Name", "Folder"]
    assert len(headings(colleague.get(path_of_list(account, box)).text)) == 6
    exported = desk.get(path_of_list(account, box, "&export=csv")).content.decode("utf-8-sig")
    assert next(csv.reader(io.StringIO(exported))) == ["Time (UTC)", "Name", "Folder"]
    choose(desk, "messages", columns, columns)
    assert len(headings(desk.get(path_of_list(account, box)).text)) == 6


def test_a_list_is_downloaded_whole_as_filtered_and_safe_for_spreadsheets(
    fresh_operator: Operator, account: Account, box: dict[str, Any], service: Service
) -> None:
    leave(account, box, [NOW - number for number in range(60)], caller_id_name="=1+1", length=1500)
    leave(account, box, [NOW - 100], caller_id_name="Grace", folder="saved")
    desk = fresh_operator("Support")
    response = desk.get(path_of_list(account, box, "&folder=new&export=csv"))
    assert response.headers["Content-Disposition"].startswith("attachment;")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 60
    assert {row["Name"] for row in rows} == {"'=1+1"}
    assert {(row["Folder"], row["Length"]) for row in rows} == {("new", "1.5")}
    assert "Play" not in rows[0]
    entries = json.loads(desk.get(path_of_list(account, box, "&q=grace&export=json")).content)
    assert [(entry["caller_name"], entry["folder"], entry["length"]) for entry in entries] == [("Grace", "saved", 1)]
    assert entries[0]["time"].endswith("+00:00")
    assert json.loads(desk.get(path_of_list(account, box, "&q=nobody&export=json")).content) == []
    with service.models():
        assert AuditEntry.objects.filter(action="exported a list of", account_id=account.id).count() == 3


def test_every_list_is_a_file_too_without_secrets_and_only_for_who_may_see_it(
    operator: Operator, account: Account, api: Api
) -> None:
    api.new_box("3000", name="Reception", pin=PIN)
    desk = operator("Administrators")
    for kind in ("mailbox", "accountuser", "media", "webhook", "mail"):
        entries = json.loads(desk.get(f"desk/{kind}/", account=account.id, export="json").content)
        assert isinstance(entries, list)
    text = desk.get("desk/mailbox/", account=account.id, export="csv").text
    assert "Reception" in text
    assert PIN not in text
    names = [entry["id"] for entry in json.loads(desk.get("desk/account/", export="json", q=account.id).content)]
    assert names == [account.id]
    few = operator(permissions=("view_account",))
    assert few.get("desk/mailbox/", account=account.id, export="csv").status_code == 403


def test_times_are_the_customers_or_utc_as_the_operator_chooses(
    fresh_operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    assert api.patch("", {"timezone": "Europe/Berlin"}).status_code == 200
    japanese = api.new_box("3001", name="Tokyo", timezone="Asia/Tokyo")
    moment = NOW - NOW % 86_400 - 2 * 86_400  # midnight, the day before yesterday
    (here,), (there,) = leave(account, box, [moment]), leave(account, japanese, [moment])
    utc = f"{gregorian.to_datetime(moment):%Y-%m-%d %H:%M:%S}"
    tokyo = f"{gregorian.to_datetime(moment + 9 * 3600):%Y-%m-%d %H:%M:%S}"
    desk, colleague = fresh_operator("Support"), fresh_operator("Support")
    assert utc in desk.get(path_of_list(account, box)).text
    assert "Times are in" not in desk.get("desk/account/").text  # which is about no customer
    page = desk.send("time-zone/?next=/admin/" + path_of_list(account, box).replace("&", "%26"), zone="customer")
    assert "Time (Europe/Berlin)" in headings(page.text)
    assert utc not in page.text
    assert "Times are in Europe/Berlin." in text_of(page)
    local = desk.get(path_of_list(account, japanese)).text
    assert "Time (Asia/Tokyo)" in headings(local)
    assert tokyo in local
    detail = desk.get(f"desk/message/{account.id}/{japanese['id']}/{there}/").text
    assert "Time (Asia/Tokyo)" in detail
    assert tokyo in detail
    # The first second of that day in Tokyo is nine hours earlier than in UTC.
    day, eve = utc[:10], f"{gregorian.to_datetime(moment - 1):%Y-%m-%d}"
    assert there in desk.get(path_of_list(account, japanese, f"&since={day}&until={day}")).text
    assert there not in desk.get(path_of_list(account, japanese, f"&since={eve}&until={eve}")).text
    exported = desk.get(path_of_list(account, japanese, "&export=json")).content
    assert json.loads(exported)[0]["time"].endswith("+09:00")
    assert "Time (UTC)" in headings(colleague.get(path_of_list(account, japanese)).text)
    desk.send("time-zone/", zone="utc")
    assert utc in desk.get(path_of_list(account, box)).text
    assert here in desk.get(path_of_list(account, box)).text


def test_a_choice_leads_only_to_pages_of_the_desk(operator: Operator) -> None:
    desk = operator("Read only")
    response = desk.send("time-zone/?next=https://example.com/", zone="utc")
    assert response.url == f"{desk.url}/admin/"
