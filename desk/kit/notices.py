"""Notices at the top of the next page: what failed, folded up, and a button that undoes what was done."""

from collections.abc import Iterable, Sequence

from django.contrib import messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from desk.kit.formats import format_number

_MAX_LINES = 200
"""Notices wait in the session for the next page."""


def report_failures(request: HttpRequest, summary: str, lines: Sequence[str]) -> None:
    """Tell the operator what failed: a single line as it is, several under a summary that unfolds."""
    if len(lines) == 1:
        messages.error(request, lines[0])
    elif lines:
        messages.error(request, _folded(summary, lines))


def _folded(summary: str, lines: Sequence[str]) -> SafeString:
    shown = [*lines[:_MAX_LINES]]
    if len(lines) > _MAX_LINES:
        shown.append(_("And %(count)s more.") % {"count": format_number(len(lines) - _MAX_LINES)})
    items = format_html_join("", "<li>{}</li>", ((line,) for line in shown))
    return format_html("<details><summary>{}</summary><ul>{}</ul></details>", summary, items)


def undo_button(request: HttpRequest, url: str, fields: Iterable[tuple[str, str]] = ()) -> SafeString:
    """A form with a button that sends fields to a page, which undoes what the notice says was done."""
    inputs = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields)
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    return format_html(
        '<form method="post" action="{}" class="undo">{}{}<button class="button">{}</button></form>',
        url,
        token,
        inputs,
        _("Undo"),
    )
