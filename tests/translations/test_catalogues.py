"""The catalogues of translations: complete, compiled, and with the placeholders of the texts."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages import Catalog, Message

from translations import catalogues

LANGUAGES_AND_DOMAINS = [(language, domain) for language in catalogues.LANGUAGES for domain in catalogues.DOMAINS]
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}|%%|</?\w+")
_MARKUP = re.compile(r"[<>\"]")


def forms(value: object) -> list[str]:
    """The singular and the plurals of a text, or the text alone."""
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]


def messages(catalog: Catalog) -> Iterator[Message]:
    """The messages of a catalogue, without its header."""
    return (message for message in catalog if message.id)


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
class TestCatalogue:
    """Each catalogue."""

    def test_it_translates_every_text(self, language: str, domain: str) -> None:
        catalog = catalogues.read(language, domain)
        assert [message.id for message in messages(catalog) if not catalogues.is_translated(message)] == []
        assert len(list(messages(catalog))) > 20

    def test_it_is_in_line_with_the_code(self, language: str, domain: str) -> None:
        stored = catalogues.read(language, domain)
        in_line = catalogues.brought_in_line(stored, catalogues.DOMAINS[domain]())
        hint = "run make messages, and translate what is new"
        assert {message.id for message in messages(in_line)} == {message.id for message in messages(stored)}, hint

    def test_its_compiled_file_is_up_to_date(self, language: str, domain: str) -> None:
        path = catalogues.path_of(language, domain)
        assert path.with_suffix(".mo").read_bytes() == catalogues.as_mo(catalogues.read(language, domain))

    def test_its_translations_have_the_placeholders_and_the_markup_of_the_texts(
        self, language: str, domain: str
    ) -> None:
        for message in messages(catalogues.read(language, domain)):
            texts, translations = forms(message.id), forms(message.string)
            placeholders = set(_PLACEHOLDER.findall(" ".join(texts)))
            for translation in translations:
                if len(translations) == 1:
                    assert Counter(_PLACEHOLDER.findall(translation)) == Counter(_PLACEHOLDER.findall(texts[0]))
                else:
                    assert set(_PLACEHOLDER.findall(translation)) <= placeholders, translation
                # A text may stand in an attribute: no quotes or tags that it doesn't have itself.
                assert set(_MARKUP.findall(translation)) <= set(_MARKUP.findall(texts[0])), translation
