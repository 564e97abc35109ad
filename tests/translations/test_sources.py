"""The sources mark every text that people read: templates all of it, Python what pages show in known places."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from translations.sources import PROJECT, TEMPLATE_FOLDERS

TEMPLATES = [path for folder in TEMPLATE_FOLDERS for path in sorted((PROJECT / folder).rglob("*.html"))]
_NOT_SHOWN = {"management", "migrations", "models.py"}
MODULES = [path for path in sorted((PROJECT / "desk").rglob("*.py")) if not _NOT_SHOWN & set(path.parts)]
_CLASSES = re.compile(r"{% block (?:bodyclass|coltype|form_action) %}.*?{% endblock %}")
_MARKED = re.compile(r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
_SAME_EVERYWHERE = frozenset({"CouchDB", "PIN", "PIN:", "JSON", "CSV", "HTML", "vmboxes", "UTC", "MP3", "ZIP", "PDF"})
_READ_ATTRIBUTES = frozenset({"aria-label", "title", "alt", "placeholder"})
_WORD = re.compile(r"[^\W\d_]{2}")
_MARKING = frozenset(
    {"_", "gettext", "ngettext", "pgettext", "gettext_lazy", "ngettext_lazy", "gettext_noop", "translate"}
)
_READ_ARGUMENTS = frozenset(
    {"label", "help_text", "caption", "empty", "question", "submit", "search_help", "search_label", "description"}
)
_NOTICES = frozenset({"success", "info", "warning", "error"})
_NOTICE_MODULES = frozenset({"messages", "notices"})


class _Texts(HTMLParser):
    """Collects what people read or hear of a page that isn't marked."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        read = _READ_ATTRIBUTES | ({"value"} if ("type", "submit") in attrs else set())
        self.texts += [value for name, value in attrs if name in read and value and _WORD.search(value)]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None and _WORD.search(data):
            self.texts.append(data.strip())


def _unmarked_texts(path: Path) -> list[str]:
    parser = _Texts()
    parser.feed(_MARKED.sub("", _CLASSES.sub("", path.read_text())))
    parser.close()
    words = (text.strip(" .,:;·()|%—") for text in parser.texts)
    return [text for text in words if text and text not in _SAME_EVERYWHERE]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_template_has_no_text_that_is_not_marked(path: Path) -> None:
    assert _unmarked_texts(path) == []


def _function_name(call: ast.Call) -> str:
    function = call.func
    return (
        function.id
        if isinstance(function, ast.Name)
        else function.attr
        if isinstance(function, ast.Attribute)
        else ""
    )


def _is_notice(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _NOTICES
        and isinstance(function.value, ast.Name)
        and function.value.id in _NOTICE_MODULES
    )


def _read_expressions(tree: ast.Module) -> Iterator[ast.expr]:
    """The arguments that people read: labels and the like, notices, and errors of forms."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg in _READ_ARGUMENTS)
            if _is_notice(node):
                yield from node.args[1:2]
            elif _function_name(node) in ("ValidationError", "Refused", "UnreadableFile", "LineError"):
                yield from node.args[:1]


def _plain_texts(expression: ast.expr) -> Iterator[str]:
    """The words of an expression outside of calls that mark them, and of the names of things."""
    if isinstance(expression, ast.Call) and _function_name(expression) in _MARKING:
        return
    if isinstance(expression, ast.Constant):
        if isinstance(expression.value, str) and re.search(r"[^\W\d_]{2,}[ .]|^[A-Z][a-z]", expression.value):
            yield expression.value
        return
    if isinstance(expression, ast.Dict | ast.Subscript | ast.Compare):
        return
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr):
            yield from _plain_texts(child)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_module_marks_its_labels_notices_and_errors(path: Path) -> None:
    texts = [
        text for expression in _read_expressions(ast.parse(path.read_text())) for text in _plain_texts(expression)
    ]
    assert [text for text in texts if "<" not in text] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_module_marks_no_text_within_an_f_string(path: Path) -> None:
    """Texts there are in no catalogue: Python before 3.12 reads an f-string as one piece."""
    calls = [
        ast.unparse(call)
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and _function_name(call) in _MARKING - {"translate"}
    ]
    assert calls == []
