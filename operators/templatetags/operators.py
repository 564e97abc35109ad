"""Template tags for the session of the operator who looks at a page."""

from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest

from couch.errors import CouchError
from desk.scope import Scope, fetch_names, scope_of
from operators.language import chosen_language

register = template.Library()


@register.simple_tag
def session_seconds() -> int:
    """How many seconds a session goes on without a request."""
    return min(settings.SESSION_IDLE_SECONDS or settings.SESSION_COOKIE_AGE, settings.SESSION_COOKIE_AGE)


@register.simple_tag
def single_sign_on_name() -> str:
    """What the provider of single sign-on is called; empty if there is none."""
    return str(settings.OIDC_NAME) if settings.OIDC_ISSUER else ""


@register.simple_tag
def operator_scope(operator: Any) -> Scope:
    """What an operator may see."""
    return scope_of(operator)


@register.simple_tag
def limits_of(operator: Any) -> str:
    """The names of the accounts that an operator is limited to, with commas between them; empty for everything."""
    scope = scope_of(operator)
    try:
        return ", ".join(sorted(fetch_names(scope.top_ids()).values(), key=str.lower))
    except CouchError:
        return ", ".join(sorted(account_id for limit in scope.limits for account_id in limit))


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """The languages that the desk is in: codes, and what each calls itself."""
    return list(settings.LANGUAGES)


@register.filter
def language_choice(request: HttpRequest) -> str:
    """The language that the operator chose; empty if it is the browser's."""
    return chosen_language(request)
