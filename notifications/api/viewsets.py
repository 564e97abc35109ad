"""``…/notifications`` of an account and of the system: templates, previews, and the log of mails."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.api.viewset import AccountScopedViewSet, AuthenticatedViewSet, location
from accounts.auth.authentication import caller
from accounts.auth.permissions import IsAdministrator, IsAuthenticated, MayActOnAccount
from couch.database import Document
from crossbar.body import RequestBody, media_type_of
from crossbar.conditions import content_disposition
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import FaultyRequest, NotAcceptable, NotFound
from crossbar.negotiation import FileNegotiation, MediaParser, accept_of, quality
from crossbar.pages import Page, PageRequest
from crossbar.pagination import StartKeyPagination
from notifications import by_hand, log, store
from notifications.models import Mail
from notifications.store import Place
from notifications.templates import CONTENT_TYPES, Template
from voicemail.api.raw import StrictEnvelopeParser

_JSON = "application/json"


class IsSuperduperAdministrator(BasePermission):
    """Lets in administrators who may act on every account."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on."""
        return caller(request).is_superduper_admin


class TextParser(MediaParser):
    """Reads the text of a template."""

    def can_parse(self, content_type: str | None) -> bool:
        """Whether a body with that Content-Type header is a template's text."""
        return media_type_of(content_type) in CONTENT_TYPES

    def parse(  # type: ignore[override]
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> str:
        """Return the text; raises RequestTooLarge, and FaultyRequest if it isn't UTF-8."""
        body = RequestBody((parser_context or {})["request"], settings.JSON_BODY_LIMIT).read_all()
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise FaultyRequest("the template is not in UTF-8") from None


class _TemplatesViewSet(AuthenticatedViewSet):
    """Templates of a place."""

    parser_classes = (StrictEnvelopeParser, TextParser)
    content_negotiation_class = FileNegotiation

    @cached_property
    def place(self) -> Place:
        """Whose templates they are."""
        return Place(self.kwargs.get("account_id"))

    @property
    def _path(self) -> str:
        account_id = self.place.account_id
        return "/v2/notifications" if account_id is None else f"/v2/accounts/{account_id}/notifications"

    def list(self, request: Request, **scope: str) -> EnvelopeResponse:
        """List summaries of the templates that are used."""
        self._require_json(request)
        return EnvelopeResponse([store.template_summary(self.place, template) for template in self.place.list_all()])

    def create(self, request: Request, **scope: str) -> EnvelopeResponse:
        """Store a template, in place of the default."""
        template = store.create(self.place, self.data, self.actor)
        return self._response(template, 201, location(request, f"{self._path}/{template.id}"))

    def retrieve(self, request: Request, template_id: str, **scope: str) -> HttpResponseBase:
        """Return the template that is used, or its text if that is the type which the client accepts."""
        template, accept = self.place.get(template_id), accept_of(request)
        best = max((_JSON, *CONTENT_TYPES), key=lambda content_type: quality(accept, content_type))
        if not quality(accept, best):
            raise NotAcceptable()
        if best == _JSON:
            return self._response(template)
        headers = {  # somebody's HTML must not run in this origin
            "Content-Disposition": content_disposition(f"{template_id}.{best.partition('/')[2]}"),
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(store.text(template, best), content_type=f"{best}; charset=utf-8", headers=headers)

    def replace(self, request: Request, template_id: str, **scope: str) -> EnvelopeResponse:
        """Replace the template's members, or a text if that is the body; return the template."""
        content_type = media_type_of(request.content_type)
        is_text = content_type in CONTENT_TYPES
        texts = {content_type: _text_of(request)} if is_text else {}
        members = None if is_text else self.data
        template = store.replace(self.place, template_id, members, texts, self.actor, self._check_revision)
        return self._response(template)

    def destroy(self, request: Request, template_id: str, **scope: str) -> EnvelopeResponse:
        """Delete the template, so that the default is used again, and return it as it was."""
        return self._response(store.delete(self.place, template_id, self._check_revision))

    def preview(self, request: Request, template_id: str, **scope: str) -> EnvelopeResponse:
        """Send a mail as the template in the body, or the stored one, makes it, to the addresses in the body."""
        if not settings.EMAIL_URL:
            raise NotFound("there is no mail server")
        mail = by_hand.send_preview(self.place, template_id, self.data)
        return EnvelopeResponse(log.mail_summary(mail))

    def _response(
        self, template: Template, status: int = 200, headers: dict[str, str] | None = None
    ) -> EnvelopeResponse:
        members = store.public_template(self.place, template)
        return EnvelopeResponse(members, status, revision=template.members.get("_rev"), headers=headers)

    def _check_revision(self, doc: Document) -> None:
        self.check_if_match(doc.get("_rev"))

    def _require_json(self, request: Request) -> None:
        if not quality(accept_of(request), _JSON):
            raise NotAcceptable()


class AccountTemplatesViewSet(_TemplatesViewSet, AccountScopedViewSet):
    """The templates of an account."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)


class SystemTemplatesViewSet(_TemplatesViewSet):
    """The system's templates."""

    permission_classes = (IsAuthenticated, IsSuperduperAdministrator)


class _LogViewSet(AuthenticatedViewSet):
    """The log of mails."""

    csv_name = "mails"
    pagination_class = StartKeyPagination

    def list(self, request: Request, **scope: str) -> EnvelopeResponse:
        """List the mails, the newest first, in pages."""
        page = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([log.mail_summary(mail) for mail in page])

    def _read_page(self, page_request: PageRequest) -> Page[Mail]:
        return log.list_mails(self.kwargs.get("account_id"), page_request)

    def retrieve(self, request: Request, mail_id: str, **scope: str) -> EnvelopeResponse:
        """Return a mail: who got it, and what the mail server said."""
        return EnvelopeResponse(log.public_mail(log.get(self.kwargs.get("account_id"), mail_id)))


class AccountLogViewSet(_LogViewSet, AccountScopedViewSet):
    """The mails of an account."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)


class SystemLogViewSet(_LogViewSet):
    """The mails of all accounts."""

    permission_classes = (IsAuthenticated, IsSuperduperAdministrator)


def _text_of(request: Request) -> str:
    """Return the text of a template; raises FaultyRequest if there is none."""
    text = request.data
    if not isinstance(text, str) or not text:
        raise FaultyRequest("the body is empty: it should be the template's text")
    return text
