"""Template filter for texts of the rooms below."""

from django import template

from desk.kit.known_texts import translate

register = template.Library()


@register.filter
def translated(text: object) -> str:
    """A text in the page's language if it is a known one, else the text itself."""
    return translate(str(text))
