"""Template tags for the frame around every page."""

from typing import Any

from django import template

from desk.kit.navigation import LinkGroup
from desk.kit.navigation import navigation as groups_of

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[LinkGroup]:
    """The groups of links in the bar at the side."""
    return groups_of(context["request"], context.get("crumbs") or ())
