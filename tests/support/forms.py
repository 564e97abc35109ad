"""The form of a page as a browser submits it unchanged: each field with the value that the page shows."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = dict[str, list[str]]


@dataclass
class _FormParser(HTMLParser):
    """Reads the fields of a page's POST forms."""

    forms: list[Fields] = field(default_factory=list)
    _current: Fields | None = None
    _select: str | None = None
    _text: str | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and attributes.get("method") == "post":
            self.forms.append({})
            self._current = self.forms[-1]
        if self._current is None:
            return
        name = attributes.get("name", "")
        if tag == "input" and name and attributes.get("type") not in ("submit", "file"):
            is_checkbox = attributes.get("type") in ("checkbox", "radio")
            if not is_checkbox or "checked" in attributes:
                self._current.setdefault(name, []).append(attributes.get("value", "on" if is_checkbox else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in attributes:
            self._current.setdefault(self._select, []).append(attributes.get("value", ""))
        elif tag == "textarea":
            self._text = name
            self._current[name] = [""]

    def handle_data(self, data: str) -> None:
        if self._text is not None and self._current is not None:
            self._current[self._text][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._text is not None and self._current is not None:
            # A line end right after the tag is not part of the value.
            self._current[self._text][0] = self._current[self._text][0].removeprefix("\r").removeprefix("\n")
            self._text = None


def fields_of(page: str) -> Fields:
    """The fields of a page's form with their values; of several forms, of the one with the most fields."""
    parser = _FormParser()
    parser.feed(page)
    return max(parser.forms, key=len)
