"""The forms of a page as a browser fills them: every field with what it shows, until somebody changes it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = dict[str, list[str]]


@dataclass
class _Reader(HTMLParser):
    """Reads the fields of a page's POST forms; of several, the one with the most fields is the page's own."""

    forms: list[Fields] = field(default_factory=list)
    _current: Fields | None = None
    _select: str | None = None
    _text: str | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form" and told.get("method") == "post":
            self.forms.append({})
            self._current = self.forms[-1]
        if self._current is None:
            return
        name = told.get("name", "")
        if tag == "input" and name and told.get("type") not in ("submit", "file"):
            is_box = told.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in told:
                self._current.setdefault(name, []).append(told.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in told:
            self._current.setdefault(self._select, []).append(told.get("value", ""))
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
            # HTML drops a line end right after the tag.
            self._current[self._text][0] = self._current[self._text][0].removeprefix("\r").removeprefix("\n")
            self._text = None


def fields_of(page: str) -> Fields:
    """The fields of a page's form, with the values that it shows."""
    reader = _Reader()
    reader.feed(page)
    return max(reader.forms, key=len)
