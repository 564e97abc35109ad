"""Paths of boxes and messages below ``/v2/``, those of an account and those of a user.

Each with or without a slash at its end.
"""

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path

from voicemail.api.boxes import MailboxViewSet
from voicemail.api.messages import AccountMessagesViewSet, MessagesViewSet, MessageViewSet
from voicemail.api.messages_without_box import messages_without_box
from voicemail.api.raw import ArchiveViewSet, RawViewSet


def of_account(path: str, view: Callable[..., HttpResponseBase]) -> URLPattern:
    """The pattern of a path of an account; words in braces are ids."""
    named = f"accounts/{{account_id}}/{path}".replace("{", "(?P<").replace("}", ">[^/]+)")
    return re_path(f"^{named}/?$", view)


_MAILBOX_PATHS: dict[str, Callable[..., HttpResponseBase]] = {
    "vmboxes": MailboxViewSet.as_view({"get": "list", "put": "create"}),
    # Before the paths of one box, whose id "messages" can't be.
    "vmboxes/messages": AccountMessagesViewSet.as_view({"get": "list"}),
    "vmboxes/{box_id}": MailboxViewSet.as_view(
        {"get": "retrieve", "post": "replace", "patch": "merge", "delete": "destroy"}
    ),
    "vmboxes/{box_id}/messages": MessagesViewSet.as_view(
        {"get": "list", "put": "create", "post": "change_many", "delete": "remove_many"}
    ),
    "vmboxes/{box_id}/messages/raw": ArchiveViewSet.as_view({"post": "download"}),
    "vmboxes/{box_id}/messages/{message_id}": MessageViewSet.as_view(
        {"get": "retrieve", "post": "change", "delete": "destroy"}
    ),
    "vmboxes/{box_id}/messages/{message_id}/raw": RawViewSet.as_view({"get": "retrieve", "put": "replace"}),
}

urlpatterns: list[Any] = [
    *(of_account(path, view) for path, view in _MAILBOX_PATHS.items()),
    *(of_account(f"users/{{user_id}}/{path}", view) for path, view in _MAILBOX_PATHS.items()),
    of_account("messages", messages_without_box),
]
