"""Searches by words go on where they stopped, and list each document once."""

import itertools
from typing import Any

import pytest

from couch.database import Database
from couch_views.sync import sync
from crossbar.pages import InvalidStartKey, Page, PageRequest
from storage import view_names, word_search

Document = dict[str, Any]


def names_of(doc: Document) -> list[object]:
    return [doc.get("username"), doc.get("first_name"), doc.get("last_name"), doc.get("email")]


def put_users(database: Database, *docs: Document) -> None:
    sync(database, "account")
    assert all(saved.error is None for saved in database.put_all([{"pvt_type": "user", **doc} for doc in docs]))


def search(database: Database, text: str, size: int = 50, start_key: str | None = None) -> Page[Document]:
    query = {"page_size": str(size)} | ({"start_key": start_key} if start_key else {})
    return word_search.search(database, view_names.USERS_BY_WORD, text, PageRequest.from_query(query), names_of)


def search_all(database: Database, text: str, size: int) -> list[list[str]]:
    """The ids on each page of a search."""
    pages = [search(database, text, size)]
    while pages[-1].next_start_key:
        pages.append(search(database, text, size, pages[-1].next_start_key))
    return [[doc["_id"] for doc in page.entries] for page in pages]


def test_pages_hold_each_document_once_however_many_of_its_words_match(new_database: Database) -> None:
    users = [
        {"_id": f"u{n:03}", "username": f"ann{n:03}", "first_name": "Annette", "last_name": "Anna"} for n in range(25)
    ]
    put_users(new_database, *users)
    pages = search_all(new_database, "ann", 10)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sorted(itertools.chain(*pages)) == [user["_id"] for user in users]
    assert search_all(new_database, "ann003 anna", 10) == [["u003"]]


@pytest.mark.parametrize("text", ["josé", "JOSE\u0301", "jose", "elan d", "obrien", "O\u2019Brien", "brien jos"])
def test_words_are_found_without_case_accents_and_punctuation(new_database: Database, text: str) -> None:
    put_users(
        new_database,
        {"_id": "a", "first_name": "Jos\u00e9 d'E\u0301lan", "last_name": "O'Brien"},
        {"_id": "b", "username": "x"},
    )
    assert search_all(new_database, text, 10) == [["a"]]


@pytest.mark.parametrize("text", ["", "  ", "&", "lan", "rien"])
def test_what_is_the_start_of_no_word_finds_nothing(new_database: Database, text: str) -> None:
    put_users(new_database, {"_id": "a", "first_name": "Élan", "last_name": "O'Brien"})
    assert search_all(new_database, text, 10) == [[]]


def test_a_search_that_was_cut_says_so_and_goes_on(new_database: Database) -> None:
    common = [
        {"_id": f"u{n:05}", "username": f"u{n}", "first_name": "Common"} for n in range(word_search.MAX_READ + 1)
    ]
    put_users(new_database, *common, {"_id": "z", "first_name": "Common", "last_name": "Zed"})
    first = search(new_database, "common zed")
    assert (first.entries, first.is_cut) == ([], True)
    second = search(new_database, "common zed", start_key=first.next_start_key)
    assert ([doc["_id"] for doc in second.entries], second.is_cut, second.next_start_key) == (["z"], False, None)


def test_a_start_key_of_another_listing_is_refused(new_database: Database) -> None:
    put_users(new_database, {"_id": "a", "first_name": "Ada"})
    with pytest.raises(InvalidStartKey):
        search(new_database, "ada", start_key="NQ")
