"""Suggestions for a text field, which a script of the page asks for while an operator types."""

from typing import Any

from django.utils.translation import gettext as _

from crossbar.pages import Page


def more_suggestions(page: Page[Any], text: str) -> list[dict[str, str]]:
    """A last suggestion if there are more than those of a page: it leaves the text as it is, and says to type on."""
    has_more = page.is_cut or page.next_start_key is not None
    return [{"value": text, "text": _("There are more: type on")}] if has_more and text else []
