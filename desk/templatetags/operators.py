"""Template tags for the session of the operator who looks at a page."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def session_seconds() -> int:
    """How many seconds a session goes on without a request."""
    return min(settings.SESSION_IDLE_SECONDS or settings.SESSION_COOKIE_AGE, settings.SESSION_COOKIE_AGE)


@register.simple_tag
def single_sign_on_name() -> str:
    """What the provider of single sign-on is called; empty if there is none."""
    return str(settings.OIDC_NAME) if settings.OIDC_ISSUER else ""
