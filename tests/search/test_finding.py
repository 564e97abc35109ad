"""What the index finds, in which order, and for whom."""

from dataclasses import replace
from typing import Any

import pytest

from search import finding, index
from search.finding import Reach, Result
from search.models import Entry, Kind
from tests.support.searchable import PIN, Tenant, message

Tenants = dict[str, Tenant]
ALL = tuple(Kind)


def find(text: str, *kinds: Kind, reach: Reach = Reach(), limit: int = 50) -> list[Result]:  # noqa: B008 - immutable
    """All results of a text, group after group."""
    return [result for group in finding.find(text, kinds or ALL, reach, limit) for result in group.results]


def ids(text: str, *kinds: Kind, reach: Reach = Reach()) -> list[str]:  # noqa: B008 - immutable
    """The ids of the documents that a text finds, in their order."""
    return [result.document_id for result in find(text, *kinds, reach=reach)]


@pytest.fixture
def acme(tenants: Tenants) -> Tenant:
    """One of three companies."""
    return tenants["Acme Dental"]


class TestAccounts:
    """Accounts, by any word of the name, realm or id."""

    def test_any_word_of_a_name_finds_it_in_any_spelling(self, tenants: Tenants) -> None:
        sons = tenants["Müller & Söhne"]
        for text in ("muller", "SOHNE", "Söhne müll", "hne"):
            assert ids(text, Kind.ACCOUNT) == [sons.id], text

    def test_a_realm_an_id_or_the_beginning_of_an_id_finds_it(self, acme: Tenant) -> None:
        for text in (acme.realm, acme.id, acme.id.upper(), acme.id[:10]):
            assert ids(text, Kind.ACCOUNT) == [acme.id], text

    def test_exact_words_come_before_beginnings_and_these_before_parts(self, tenants: Tenants) -> None:
        exact, beginning, part = (Tenant(name) for name in ("Zulu", "Zuluworks", "Amazulu"))
        for tenant in (part, beginning, exact):
            index.put_documents(tenant.database, tenant.documents()[:1])
        assert ids("zulu", Kind.ACCOUNT) == [exact.id, beginning.id, part.id]
        for tenant in (part, beginning, exact):
            index.drop_database(tenant.database)


class TestUsersAndMailboxes:
    """Users by name, login or e-mail; mailboxes by number, alias or name."""

    @pytest.mark.parametrize("text", ["jane", "brien acme", "o'brien dental", "jane.obrien acme"])
    def test_a_user_is_found_by_name_and_login(self, acme: Tenant, text: str) -> None:
        assert acme.user_id in ids(text, Kind.USER)

    def test_a_user_is_found_by_the_whole_mail_address(self, acme: Tenant) -> None:
        (user,) = find(f"jane@{acme.realm}", Kind.USER)
        assert (user.title, user.account_name) == ("Jane O'Brien (jane.obrien)", "Acme Dental")

    @pytest.mark.parametrize("text", ["1001 acme", "7001 acme", "front acme", "desk dental", "acme 001"])
    def test_a_mailbox_is_found_by_number_alias_and_name_with_its_companys_name(
        self, acme: Tenant, text: str
    ) -> None:
        assert ids(text, Kind.MAILBOX) == [acme.box_id]

    def test_a_companys_name_alone_finds_none_of_its_mailboxes(self, acme: Tenant) -> None:
        assert ids("acme dental", Kind.MAILBOX, Kind.USER, Kind.MESSAGE) == []

    def test_secrets_find_nothing(self, tenants: Tenants) -> None:
        for text in (PIN, "pa55word", "k3yk3y"):
            assert ids(text) == []
        assert not Entry.objects.filter(words__contains=PIN).exists()


class TestMessages:
    """Messages, by caller, transcription and ids."""

    @pytest.mark.parametrize(
        "text",
        [
            "+1 (415) 555-01",
            "415555",
            "4155550123",
            "+14155550123",
            "001 415 555 0123",
            "(415) 555-0123",
            "5550123",
            "lovelace",
            "ada love",
            "crooked",
            "invoice croo",
        ],
    )
    def test_a_message_is_found_by_caller_and_words(self, acme: Tenant, text: str) -> None:
        assert ids(text + " acme", Kind.MESSAGE) == [acme.message_id(0)]

    def test_a_number_without_country_code_is_found_by_the_one_with_it(self, acme: Tenant) -> None:
        index.put_documents(acme.modb, [message(acme, 9, "6505550199", "Zed", None)])
        assert ids("+1 650 555 0199", Kind.MESSAGE) == [acme.message_id(9)]
        assert ids("+1 (650) 555-01", Kind.MESSAGE) == [acme.message_id(9)]
        index.forget(acme.id, [acme.message_id(9)])
        assert ids("+1 650 555 0199", Kind.MESSAGE) == []

    def test_a_dictated_number_and_half_a_name_find_that_companys_message_first(self, acme: Tenant) -> None:
        (result,) = find("4155550123 acm", Kind.MESSAGE)
        assert result == Result(
            kind=Kind.MESSAGE,
            account_id=acme.id,
            account_name="Acme Dental",
            document_id=acme.message_id(0),
            title="Ada Lovelace",
            detail="+14155550123",
            box_id=acme.box_id,
            box_title="1001 Front desk",
            time=result.time,
        )

    def test_the_latest_message_comes_first(self, acme: Tenant) -> None:
        assert ids("grace acme", Kind.MESSAGE) == [acme.message_id(2), acme.message_id(1)]

    def test_an_id_a_part_of_it_and_a_call_id_find_it(self, acme: Tenant) -> None:
        message_id = acme.message_id(1)
        for text in (message_id, message_id[:20], message_id[7:], message_id[12:], f"call-1-{acme.id[:12]}@10.0.0.1"):
            assert message_id in ids(text, Kind.MESSAGE), text

    def test_words_of_transcriptions_are_for_those_who_may_read_them(self, acme: Tenant) -> None:
        reach = Reach(transcriptions=False)
        assert ids("crooked acme", Kind.MESSAGE, reach=reach) == []
        assert ids("lovelace acme", Kind.MESSAGE, reach=reach) == [acme.message_id(0)]

    def test_two_numbers_beside_each_other_are_both_looked_for(self, acme: Tenant) -> None:
        doc = message(acme, 8, "+493012345678", "Branch 1234", None)
        index.put_documents(acme.modb, [doc])
        assert ids("1234 4930123", Kind.MESSAGE) == [acme.message_id(8)]
        index.forget(acme.id, [doc["_id"]])


class TestReach:
    """Who sees what."""

    def test_only_accounts_in_reach_are_searched(self, tenants: Tenants) -> None:
        acme, freight = tenants["Acme Dental"], tenants["Pacific Freight"]
        reach = Reach([freight.id])
        assert ids("lovelace", reach=reach) == [freight.message_id(0)]
        assert ids("acme", reach=reach) == ids(acme.id, reach=reach) == []
        assert ids(acme.message_id(0)[9:], reach=reach) == []
        assert ids("lovelace", reach=Reach([])) == []

    def test_only_kinds_that_are_asked_for_are_found(self, acme: Tenant) -> None:
        assert {result.kind for result in find("jane acme", Kind.USER, Kind.MAILBOX)} == {Kind.USER}

    def test_a_page_goes_on_where_the_one_before_ended(self, tenants: Tenants) -> None:
        pages = [finding.find("grace", [Kind.MESSAGE], Reach(), 4, offset)[0] for offset in (0, 4)]
        assert [(len(page.results), page.has_more) for page in pages] == [(4, True), (2, False)]
        assert len({result.key for page in pages for result in page.results}) == 6


class TestChanges:
    """What becomes of entries whose documents change."""

    def test_a_changed_document_is_found_by_its_new_words_only(self, tenants: Tenants) -> None:
        tenant = replace(tenants["Pacific Freight"], name="Oceanic")
        for _ in range(2):
            index.put_documents(tenant.database, tenant.documents()[:1])
        assert ids("oceanic", Kind.ACCOUNT) == [tenant.id]
        assert ids("pacific", Kind.ACCOUNT) == []
        index.put_documents(tenant.database, tenants["Pacific Freight"].documents()[:1])
        assert ids("pacific", Kind.ACCOUNT) == [tenant.id]

    def test_removed_messages_and_mailboxes_stay_and_say_so(self, acme: Tenant) -> None:
        docs = {doc["_id"]: doc for doc in [*acme.documents(), *acme.messages()]}
        for doc_id, database, text in (
            (acme.message_id(0), acme.modb, "lovelace acme"),
            (acme.box_id, acme.database, "1001 acme"),
        ):
            index.put_documents(database, [{**docs[doc_id], "pvt_deleted": True}])
            assert [(result.document_id, result.is_removed) for result in find(text)] == [(doc_id, True)]
            index.put_documents(database, [docs[doc_id]])
            assert [result.is_removed for result in find(text)] == [False]

    def test_moved_deleted_and_removed_documents_leave_the_index(self, acme: Tenant) -> None:
        first, user = acme.messages()[0], acme.documents()[1]
        gone: list[dict[str, Any]] = [
            {**first, "pvt_deleted": True, "pvt_moved_to": "202611-elsewhere"},
            {"_id": first["_id"], "_deleted": True},
            {**first, "source_id": 17},
        ]
        for doc in gone:
            index.put_documents(acme.modb, [first])
            index.put_documents(acme.modb, [doc])
            assert ids("lovelace acme") == []
        index.put_documents(acme.modb, [first])
        index.put_documents(acme.database, [{**user, "pvt_deleted": True}])
        assert ids("jane acme", Kind.USER) == []
        index.put_documents(acme.database, [user])

    def test_what_is_left_of_a_deleted_account_is_not_shown(self, acme: Tenant) -> None:
        account = acme.documents()[0]
        index.put_documents(acme.database, [{**account, "pvt_deleted": True}])
        assert [result for result in find("lovelace") if result.account_id == acme.id] == []
        index.put_documents(acme.database, [account])
        assert ids("lovelace acme") == [acme.message_id(0)]

    def test_a_deleted_database_takes_its_documents_along(self, tenants: Tenants) -> None:
        tenant = Tenant("Shortlived").store()
        index.drop_database(tenant.modb)
        assert ids("shortlived", Kind.ACCOUNT) == [tenant.id]
        assert ids("lovelace shortlived") == []
        index.drop_database(tenant.database)
        assert not Entry.objects.filter(account_id=tenant.id).exists()

    def test_odd_documents_are_left_out_or_indexed_as_far_as_they_go(self, acme: Tenant) -> None:
        odd: list[dict[str, Any]] = [
            {**acme.messages()[0], "_id": "202611-odd1", "metadata": ["none"], "transcription": [[{"text": 7}]]},
            {**acme.messages()[0], "_id": "202611-odd2\x00"},
            {**acme.messages()[0], "_id": "202601-odd3"},
            {**acme.messages()[0], "_id": "202611-odd4", "metadata": {"caller_id_name": "\ud800\x00 Odd '\\ \u00b7"}},
            {"_id": "202611-odd5", "pvt_type": ["message"]},
        ]
        index.put_documents(acme.modb, odd)
        assert sorted(ids("odd acme", Kind.MESSAGE)) == ["202611-odd1", "202611-odd4"]
        index.forget(acme.id, [doc["_id"] for doc in odd])
        assert ids("odd acme", Kind.MESSAGE) == []
