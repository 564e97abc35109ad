"""Mailboxes created and changed from CSV: previewed line by line, stored by a worker, nothing half done."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests

from desk.models import AuditEntry, MailboxRun, MailboxRunLine
from tests.support.api_client import Account, Api
from tests.support.mailbox_runs import lines_of, path_of, store, upload, work
from tests.support.operators import NEW_PIN, PIN, Desk
from tests.support.servers import Service
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store

Operator = Callable[..., Desk]


def error_of(response: requests.Response) -> str:
    """The error at the field of the file."""
    match = re.search(r'id="id_file_error"><li>(.*?)</li>', response.text, re.DOTALL)
    assert match, response.text
    return match[1]


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception", pin=PIN, aliases=["3999"])


def test_a_preview_shows_each_line_and_stores_nothing(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    desk = operator("Administrators")
    content = "mailbox,name,transcribe\n3000,Front desk,yes\n3001,Kitchen,\n3000,Again,\n"
    response = upload(desk, account, content)
    lines = lines_of(response.text)
    assert lines["2"] == ("Change", "name: Reception → Front desk; transcribe: no → yes")
    assert lines["3"] == ("Create", "mailbox: 3001; name: Kitchen")
    assert lines["4"] == ("Error", "Line 2 is about the same mailbox. Keep one of the two lines.")
    assert path_of(response) in desk.get(f"desk/mailbox/{account.id}/import/").text
    assert [listed["mailbox"] for listed in api.get("vmboxes").json()["data"]] == ["3000"]
    assert mailbox_store.get(account.id, box["id"])["name"] == "Reception"


def test_the_good_lines_are_stored_after_a_choice_and_recorded(
    operator: Operator, account: Account, box: dict[str, Any], service: Service
) -> None:
    desk = operator("Administrators")
    preview = upload(desk, account, f"mailbox,name,pin\n3000,Front desk,{NEW_PIN}\n3001,Kitchen,12ab\n3002,Hall,\n")
    assert "Store the 2 good ones, leave out the 1 with errors" in preview.text
    assert lines_of(preview.text)["3"] == ("Error", "pin: A PIN consists of the digits 0 to 9 only.")
    page = store(desk, service, preview)
    assert "1 created, 1 changed, 1 with errors." in page
    stored = mailbox_store.get(account.id, box["id"])
    assert (stored["name"], stored["pin"]) == ("Front desk", NEW_PIN)
    assert mailbox_search.find_exact(account.id, "3002")["name"] == "Hall"
    assert mailbox_search.list_holders(account.id, "3001") == []
    with service.models():
        (entry,) = AuditEntry.objects.filter(document_id=box["id"], operator__username=desk.name)
        assert entry.action == "changed"
        assert entry.difference == {
            "name": ["Reception", "Front desk"],
            "pin": ["(hidden)", "(hidden)"],
            "run": "boxes.csv",
        }
        assert not MailboxRunLine.objects.filter(run__account_id=account.id).exclude(patch="").exists()


def test_pins_are_kept_encrypted_until_they_are_stored(
    operator: Operator, account: Account, service: Service
) -> None:
    preview = upload(operator("Administrators"), account, "mailbox,name,pin\n3001,Kitchen,975319753\n")
    upload(operator("Administrators"), account, f"mailbox,name,pin\n3001,Kitchen,{NEW_PIN}\n")
    assert "pin: String must not be more than 6 characters." in lines_of(preview.text)["2"][1]
    with service.models():
        lines = list(MailboxRunLine.objects.filter(run__account_id=account.id).order_by("pk"))
    assert [line.result for line in lines] == ["faulty", "create"]
    assert NEW_PIN not in f"{lines[1].patch}{lines[1].difference}{lines[1].cells}"
    assert "975319753" not in f"{lines[0].patch}{lines[0].difference}{lines[0].cells}{lines[0].problem}"


def test_an_export_imported_again_changes_nothing(
    operator: Operator, account: Account, api: Api, service: Service
) -> None:
    user = {"first_name": "Ada", "last_name": "L", "username": "ada", "email": "ada@example.com"}
    user_id = api.put("users", {**user, "password": "difference"}).json()["data"]["id"]
    odd = {"name": "=1+1", "flags": ["a, b", "c"], "operator_number": 0}
    api.new_box(
        "0300", owner_id=user_id, pin="0123", aliases=["301"], notify={"callback": {"schedule": [1, 2]}}, **odd
    )
    api.new_box("400", members=[{"id": user_id, "type": "user"}], notify_email_addresses=["a@example.com", "b@x.org"])
    desk = operator("Administrators")
    export = desk.get(f"desk/mailbox/{account.id}/export/", pins="yes")
    preview = upload(desk, account, export.content)
    assert [result for result, _ in lines_of(preview.text).values()] == ["Nothing to change"] * 2
    # A line without the id finds its mailbox by the number, and an owner by the e-mail address.
    preview = upload(desk, account, "mailbox;owner;aliases\n'0300;ADA@example.com;(empty)\n")
    assert lines_of(preview.text) == {"2": ("Change", "aliases: 301 → empty")}
    assert "1 changed" in store(desk, service, preview)
    repeated = upload(desk, account, "mailbox;owner;aliases\n'0300;ADA@example.com;(empty)\n")
    assert lines_of(repeated.text) == {"2": ("Nothing to change", "")}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("3001,A,,,3999", "The number 3999 is taken: the mailbox 3000 Reception has it."),
        ("3999,A,,,", "The number 3999 is taken: the mailbox 3000 Reception has it."),
        ("2000,A,,,", "Line 2 is about the same mailbox."),
        ("3001,A,,,2000", "The number 2000 is taken: line 2 of this file has it."),
        ("3001,A,,12,", "pin: String must be at least 4 characters. Spreadsheets drop zeros at the start"),
        ("3001,A,nobody@example.com,,", "no user of this account has the user name, e-mail address or id"),
        ("1.23E+11,A,,,", "A spreadsheet shortened it: format the column as text."),
        ("3001,=A1&B1,,,", "name: this begins as a formula does. Write its result, or an apostrophe in front."),
        ("3001,,,,", "name: Field is required but missing."),
        (",A,,,", "mailbox: the number is missing."),
        ("3001,A,,,,b", "The line has more cells than the header."),
        ("3001,A,,,30 01", "can&#x27;t be dialled"),
    ],
)
def test_an_error_says_what_to_do(
    operator: Operator, account: Account, box: dict[str, Any], line: str, problem: str
) -> None:
    content = f"mailbox,name,owner,pin,aliases\n2000,First,,,\n{line}\n"
    result, text = lines_of(upload(operator("Administrators"), account, content).text)["3"]
    assert result == "Error"
    assert problem in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 a spreadsheet", "This is no CSV file but a spreadsheet or an archive (.xlsx, .ods, .zip)."),
        (b"a\0b", "This is no text file."),
        (b" \n\n", "The file is empty."),
        (b"mailbox,name\n", "The file has no lines below its first one"),
        (b'mailbox,name\n3000,"open\n3001,B\n', "The quotes in the row that begins on line 2"),
        (b"mailbox,nmae\n3000,A\n", "There is no column “nmae”. Did you mean “name”?"),
        (b"mailbox,name,name\n3000,A,B\n", "The column “name” is there twice."),
        (b"name\nA\n", "The column “mailbox” is missing"),
        (b"mailbox,name\n3000," + b"x" * 30_000 + b"\n", "Line 2 has a cell of more than 20,000 characters."),
        (b"mailbox,name\n" + b"3000,A\n" * 5_001, "The file has more than 5,000 lines."),
        (b"mailbox,name\n" + b" " * 10_000_000, "The file is larger than 5 MB."),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_clear_sentence(
    operator: Operator, account: Account, content: bytes, sentence: str
) -> None:
    assert sentence in error_of(upload(operator("Administrators"), account, content))


@pytest.mark.parametrize(
    ("content", "name", "note"),
    [
        ("mailbox;name\n3001;Müller\n".encode(), "Müller", "separated by semicolons"),
        ("mailbox\tname\n3001\tMüller\n".encode(), "Müller", "separated by tabs"),
        ("mailbox,name\n3001,Müller\n".encode("latin-1"), "Müller", "read as Windows-1252"),
        ("mailbox,name\n3001,Müller\n".encode("utf-16"), "Müller", "The file is in UTF-16."),
        (b'mailbox,name\r\n3001,"Two\r\nlines, ""quoted"""\r\n', "Two\nlines, &quot;quoted&quot;", "1 to create"),
    ],
)
def test_files_of_many_programs_are_read(
    operator: Operator, account: Account, content: bytes, name: str, note: str
) -> None:
    page = upload(operator("Administrators"), account, content).text
    assert note in page
    assert f"name: {name}" in page.replace("\r\n", "\n")


def test_lines_with_problems_can_be_corrected_and_imported(
    operator: Operator, account: Account, service: Service
) -> None:
    desk = operator("Administrators")
    preview = upload(desk, account, f"mailbox,pin,name\n3001,{NEW_PIN},\n3002,,Hall\n")
    store(desk, service, preview)
    response = desk.get(f"{path_of(preview)}problems/")
    (row,) = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
    assert row == {"line": "2", "mailbox": "3001", "name": "", "problem": "name: Field is required but missing."}
    corrected = response.content.decode("utf-8-sig").replace("3001,,", "3001,Kitchen,")
    assert lines_of(upload(desk, account, corrected).text)["2"][0] == "Create"


def test_what_changed_after_the_preview_is_told_and_left_alone(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], service: Service
) -> None:
    removed = api.new_box("3005")
    desk = operator("Administrators")
    preview = upload(desk, account, "mailbox,name\n3000,Front desk\n3001,Kitchen\n3005,Attic\n3006,Cellar\n")
    api.patch(f"vmboxes/{box['id']}", {"name": "Lobby"})
    api.new_box("3001", name="Bar")
    api.delete(f"vmboxes/{removed['id']}")
    page = store(desk, service, preview)
    lines = lines_of(page)
    assert lines["2"][0] == "Failed"
    assert "Somebody else changed the mailbox after the preview." in lines["2"][1]
    assert "name: Lobby → Front desk" in lines["2"][1]
    assert "3001 belongs to the mailbox 3001 Bar." in lines["3"][1]
    assert lines["4"] == ("Failed", "The mailbox was removed after the preview.")
    assert lines["5"][0] == "Created"
    assert mailbox_store.get(account.id, box["id"])["name"] == "Lobby"


def test_a_job_that_was_killed_goes_on_where_it_stopped(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], service: Service
) -> None:
    desk = operator("Administrators")
    preview = upload(desk, account, "mailbox,name\n3000,Front desk\n3001,Kitchen\n")
    path = path_of(preview)
    desk.send(f"{path}store/")
    with service.models():
        # As if the worker had been killed after it wrote the mailboxes, and before it noted that.
        lines = list(MailboxRunLine.objects.filter(run__account_id=account.id).order_by("number"))
        MailboxRunLine.objects.filter(pk__in=[line.pk for line in lines]).update(is_begun=True)
    mailbox_store.merge(account.id, box["id"], {"name": "Front desk"})
    mailbox_store.create(account.id, {"mailbox": "3001", "name": "Kitchen"}, box_id=lines[1].box_id)
    work(service, path)
    work(service, path)
    assert [result for result, _ in lines_of(desk.get(path).text).values()] == ["Changed", "Created"]
    assert len(api.get("vmboxes").json()["data"]) == 2
    with service.models():
        # The API created one of them, and recorded that.
        entries = AuditEntry.objects.filter(
            document_id__in=[line.box_id for line in lines], source=AuditEntry.Source.DESK
        )
        assert sorted(entry.action for entry in entries) == ["changed", "created"]


def test_a_run_is_stored_by_its_operator_once_or_dropped(
    operator: Operator, account: Account, box: dict[str, Any], service: Service
) -> None:
    desk, colleague = operator("Administrators"), operator("Administrators")
    preview = upload(desk, account, "mailbox,name\n3000,Front desk\n")
    path = path_of(preview)
    assert colleague.send(f"{path}store/").status_code == 403
    assert "Nothing was stored." in desk.send(f"{path}stop/").text
    desk.send(f"{path}store/")
    work(service, path)
    assert lines_of(desk.get(path).text)["2"][0] == "Left out"
    assert mailbox_store.get(account.id, box["id"])["name"] == "Reception"
    with service.models():
        assert MailboxRun.objects.get(account_id=account.id).state == "stopped"


def test_an_import_keeps_to_the_permissions_of_its_operator(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    desk = operator("Support")
    lines = lines_of(upload(desk, account, "mailbox,name\n3000,Front desk\n3001,Kitchen\n").text)
    assert lines["2"][0] == "Change"
    assert lines["3"] == ("Error", "There is no such mailbox, and you may not create mailboxes.")
    assert "You may not see or set PINs." in error_of(upload(desk, account, f"mailbox,pin\n3000,{NEW_PIN}\n"))
    blind = operator(permissions=("view_mailbox", "view_account", "change_mailbox"))
    page = upload(blind, account, f"mailbox,owner\n3000,{account.user_id}\n").text
    assert "you may not see users" in lines_of(page)["2"][1]
