"""Renders templates that customers write, in Django's template language, which Kazoo's erlydtl speaks, too.

Nothing can be reached but the macros: a name leads to a member of a dictionary or an item of a list, never to an
attribute or a call. There are the tags and filters of `template_language` only, and nothing loads another template.
Work is bounded: each template has a budget of steps, characters and seconds. Values are always escaped in HTML.
"""

import time
from collections.abc import Mapping
from typing import Any

from django.template import Context, Engine, Origin, Template, TemplateSyntaxError, Variable
from django.template.base import (
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Parser,
    TextNode,
    Token,
    TokenType,
    VariableDoesNotExist,
)

_SOURCE_LENGTH = 300_000
_STEPS = 100_000
_CHARACTERS = 1_000_000
_SECONDS = 2.0
_LOOKS = 30_000_000
_TAG_LENGTH = 2_000


class BrokenTemplate(Exception):
    """A template can't be rendered; the message says why, to whoever wrote it."""


def render(source: str, macros: Mapping[str, Any], *, is_html: bool) -> str:
    """Return what a template makes of macros; raises BrokenTemplate."""
    _require_moderate(source)
    context = _BoundedContext(dict(macros), autoescape=is_html, use_tz=False)
    try:
        text = str(_BoundedTemplate(source, engine=_engine).render(context))
        return text.encode(errors="replace").decode()  # JSON may have halves of surrogate pairs, mails can't
    except (BrokenTemplate, TemplateSyntaxError) as error:
        raise BrokenTemplate(str(error)[:300] or type(error).__name__) from None
    except RecursionError:
        raise BrokenTemplate("The template is nested too deeply") from None
    except Exception as error:  # a filter that a strange value breaks
        raise BrokenTemplate(f"{type(error).__name__}: {error}"[:300]) from None


def _require_moderate(source: str) -> None:
    """Raise BrokenTemplate for what takes long to parse: Django looks for the end of each tag in all of its line."""
    if len(source) > _SOURCE_LENGTH:
        raise BrokenTemplate(f"The template is longer than {_SOURCE_LENGTH:,} characters")
    for line in source.split("\n"):
        if len(line) * sum(map(line.count, ("{{", "{%", "{#"))) > _LOOKS:
            raise BrokenTemplate("A line of the template is too long for all its tags")


class _BoundedContext(Context):
    """A context with what is left of the budget."""

    def __init__(self, macros: dict[str, Any], **options: Any) -> None:
        super().__init__(macros, **options)
        self._steps, self._characters = _STEPS, _CHARACTERS
        self._end = time.monotonic() + _SECONDS

    def spend(self, *, steps: int = 1, characters: int = 0) -> None:
        """Take some of the budget; raises BrokenTemplate if there is not enough."""
        self._steps -= steps
        self._characters -= characters
        if self._steps < 0 or self._characters < 0 or time.monotonic() > self._end:
            raise BrokenTemplate("The template takes too long, or makes too long a text")


class _PlainVariable(Variable):
    """A variable whose name leads to members and items only."""

    def resolve(self, context: Any) -> Any:
        if self.lookups is None:
            return super().resolve(context)
        value: Any = context
        for name in self.lookups:
            value = _lookup_member(value, name)
        return value


def _lookup_member(value: Any, name: str) -> Any:
    if isinstance(value, Mapping | Context) and name in value:
        return value[name]
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    raise VariableDoesNotExist("%s is no macro", (name,))


class _BoundedExpression(FilterExpression):
    """A value with filters, which costs by its size: a loop runs over it, or it is put out."""

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        if isinstance(self.var, Variable):
            self.var = _PlainVariable(self.var.var)
        self.filters = [
            (function, [(is_variable, _plain_argument(argument)) for is_variable, argument in arguments])
            for function, arguments in self.filters
        ]

    def resolve(self, context: Any, ignore_failures: bool = False) -> Any:
        context.spend()
        value = super().resolve(context, ignore_failures)
        if isinstance(value, str | list | dict):
            context.spend(steps=0 if isinstance(value, str) else len(value), characters=_size(value))
        return value


def _size(value: Any) -> int:
    """About how many characters a value would be if it were put out."""
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return len(value) + sum(map(_size, items))
    return len(value) if isinstance(value, str) else 1


def _plain_argument(argument: Any) -> Any:
    return _PlainVariable(argument.var) if isinstance(argument, Variable) else argument


class _BoundedText(TextNode):
    """Text of the template, which a loop may repeat."""

    def render_annotated(self, context: Any) -> str:
        context.spend(characters=len(self.s))
        return str(self.s)


class _BoundedParser(Parser):
    def compile_filter(self, token: str) -> FilterExpression:
        return _BoundedExpression(token, self)

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        super().extend_nodelist(nodelist, _BoundedText(node.s) if type(node) is TextNode else node, token)


class _BoundedTemplate(Template):
    def compile_nodelist(self) -> NodeList:
        tokens = Lexer(self.source).tokenize()
        if any(token.token_type is not TokenType.TEXT and len(token.contents) > _TAG_LENGTH for token in tokens):
            raise BrokenTemplate(f"A tag of the template is longer than {_TAG_LENGTH:,} characters")
        parser = _BoundedParser(
            tokens, self.engine.template_libraries, self.engine.template_builtins, Origin("template")
        )
        return parser.parse()


class _PlainEngine(Engine):
    default_builtins = ["notifications.template_language"]


_engine = _PlainEngine(autoescape=True)
