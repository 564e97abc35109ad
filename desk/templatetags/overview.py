"""The template tag for the overview."""

from typing import Any

from django import template

from desk.overview import at_a_glance
from desk.overview.at_a_glance import AtAGlance

register = template.Library()


@register.simple_tag(takes_context=True)
def overview(context: dict[str, Any]) -> AtAGlance | None:
    """What the desk's first page shows of all accounts."""
    return at_a_glance.at_a_glance(context["request"])
