"""Every page of the desk in German and Spanish: no English is left on it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tests.support.browsing import Practice, Staff, all_pages
from translations import catalogues

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
_WORD = re.compile(r"[^\W\d_]{4}")
_READ_ATTRIBUTES = ("aria-label", "title", "placeholder")


class _Texts(HTMLParser):
    """Collects the texts of a page, as people read or hear them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._hidden_in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._hidden_in = tag if tag in ("script", "style", "textarea", "code") else self._hidden_in
        if tag == "input" and values.get("type") == "submit":
            self.texts.add(values.get("value") or "")
        self.texts |= {values[name] or "" for name in _READ_ATTRIBUTES if name in values}

    def handle_endtag(self, tag: str) -> None:
        self._hidden_in = "" if tag == self._hidden_in else self._hidden_in

    def handle_data(self, data: str) -> None:
        if not self._hidden_in:
            self.texts.add(" ".join(data.split()))


def english_texts(language: str) -> Iterator[re.Pattern[str]]:
    """Patterns of the texts in English that are others in a language."""
    for message in catalogues.read(language, "django"):
        texts = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in map(str, texts):
            fixed = _PLACEHOLDER.sub("", text)
            if text not in translations and _WORD.search(fixed) and _is_sentence_or_title(fixed.strip()):
                # "Account %(account_id)s" is any two words of which one is "Account".
                if fixed != text and " " not in fixed.strip():
                    continue
                parts = _PLACEHOLDER.split(text.replace("%%", "%"))
                yield re.compile(".+".join(map(re.escape, parts)))


def _is_sentence_or_title(text: str) -> bool:
    """Whether a text is more than a single word in lower case, which may be the name of a setting or a column."""
    return " " in text or text[:1].isupper()


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_no_page_has_english_left(staff: Staff, practice: Practice, language: str) -> None:
    desk, patterns = staff().copy(), list(english_texts(language))
    desk.session.headers["Accept-Language"] = language
    left: set[tuple[str, str]] = set()
    for path in all_pages(practice):
        page = desk.get(path).text
        assert f'<html lang="{language}"' in page, path
        texts = _Texts(page).texts
        left |= {(path, text) for text in texts if any(pattern.fullmatch(text) for pattern in patterns)}
    assert sorted({text for _path, text in left}) == []
