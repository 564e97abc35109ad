"""``/.well-known/security.txt``: whom to tell of a security problem (RFC 9116)."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

_LIFETIME = timedelta(days=90)


def security_txt(request: HttpRequest) -> HttpResponse:
    """Return the contacts that SECURITY_CONTACT names. Raises Http404 without any.

    The file expires 90 days from today: what a cache or a search engine keeps of it is not believed for longer.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404("SECURITY_CONTACT is not set.")
    expires = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _LIFETIME
    lines = [f"Contact: {contact_address(contact)}" for contact in settings.SECURITY_CONTACT]
    lines.append(f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}")
    if settings.SECURITY_POLICY:
        lines.append(f"Policy: {settings.SECURITY_POLICY}")
    lines.append("Preferred-Languages: en")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def contact_address(contact: str) -> str:
    """A contact as the RFC has it, a URI: an e-mail address becomes a ``mailto:``, a telephone number a ``tel:``."""
    if contact.startswith("+"):
        return f"tel:{contact}"
    return f"mailto:{contact}" if "@" in contact and ":" not in contact else contact
