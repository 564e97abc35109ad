"""The tags and filters that templates may use: those of Django that can neither reach nor use up anything.

`safe` and `autoescape` are there since Kazoo's templates have them, and change nothing: what a caller says of itself
stays escaped. `ifequal` and `ifnotequal` are erlydtl's, which Django has dropped.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django import template
from django.template import defaultfilters, defaulttags
from django.template.base import FilterExpression, Node, NodeList, Parser, Token
from django.utils.safestring import SafeString

register = template.Library()

_TAGS = ("comment", "cycle", "firstof", "for", "if", "ifchanged", "spaceless", "templatetag", "with")
_FILTERS = (
    *("add", "capfirst", "cut", "date", "default", "default_if_none", "divisibleby", "escape", "filesizeformat"),
    *("first", "force_escape", "last", "length", "linebreaks", "linebreaksbr", "lower", "phone2numeric"),
    *("pluralize", "slice", "slugify", "striptags", "time", "timesince", "timeuntil", "title", "truncatechars"),
    *("truncatewords", "upper", "urlencode", "wordcount", "yesno"),
)
_TEXT_LENGTH, _ITEMS = 100_000, 1_000


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that makes nothing long: several in a row might double a text each time."""

    @wraps(function)
    def apply(value: Any, *arguments: Any, **options: Any) -> Any:
        _require_short(value, *arguments)
        result = function(value, *arguments, **options)
        _require_short(result)
        return result

    return apply


def _require_short(*values: Any) -> None:
    for value in values:
        if isinstance(value, str | list) and len(value) > (_TEXT_LENGTH if isinstance(value, str) else _ITEMS):
            raise ValueError("a value is too long for a filter")


def _join_list(value: Any, separator: str, autoescape: bool = True) -> Any:
    """Join a list; a text is no list of its letters here."""
    return defaultfilters.join(value, separator, autoescape=autoescape) if isinstance(value, list) else value


for _name in _TAGS:
    register.tag(_name, defaulttags.register.tags[_name])
for _name in _FILTERS:
    register.filter(_name, _bounded(defaultfilters.register.filters[_name]))
register.filter("join", _bounded(_join_list), needs_autoescape=True)
register.filter("safe", lambda value: value)


class _Contents(Node):
    """Shows what is in it."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Any) -> SafeString:
        return self.nodelist.render(context)


@register.tag
def autoescape(parser: Parser, token: Token) -> Node:
    """Escape as ever, whatever the tag says."""
    nodelist = parser.parse(("endautoescape",))
    parser.delete_first_token()
    return _Contents(nodelist)


class _IfEqual(Node):
    """Shows one of two parts, by whether two values are equal."""

    child_nodelists = ("equal", "different")

    def __init__(self, values: Sequence[FilterExpression], equal: NodeList, different: NodeList) -> None:
        self.values, self.equal, self.different = values, equal, different

    def render(self, context: Any) -> SafeString:
        first, second = (value.resolve(context, ignore_failures=True) for value in self.values)
        return (self.equal if first == second else self.different).render(context)


@register.tag
def ifequal(parser: Parser, token: Token) -> Node:
    """``{% ifequal A B %}…{% else %}…{% endifequal %}``."""
    return _if_equal(parser, token)


@register.tag
def ifnotequal(parser: Parser, token: Token) -> Node:
    """``{% ifnotequal A B %}…{% else %}…{% endifnotequal %}``."""
    node = _if_equal(parser, token)
    return _IfEqual(node.values, node.different, node.equal)


def _if_equal(parser: Parser, token: Token) -> _IfEqual:
    name, *arguments = token.split_contents()
    if len(arguments) != 2:
        raise template.TemplateSyntaxError(f"{name} takes two values")
    equal, different = parser.parse(("else", f"end{name}")), NodeList()
    if parser.next_token().contents == "else":
        different = parser.parse((f"end{name}",))
        parser.delete_first_token()
    return _IfEqual([parser.compile_filter(argument) for argument in arguments], equal, different)
