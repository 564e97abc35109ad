"""Paths of notifications below ``/v2/``, those of the system and those of an account.

Each with or without a slash at its end.
"""

from typing import Any

from django.urls import re_path

from notifications.api.viewsets import (
    AccountLogViewSet,
    AccountTemplatesViewSet,
    SystemLogViewSet,
    SystemTemplatesViewSet,
)
from voicemail.api.urls import of_account

urlpatterns: list[Any] = [
    of_account("notifications", AccountTemplatesViewSet.as_view({"get": "list", "put": "create"})),
    # Before the paths of one template, whose id "smtplog" can't be.
    of_account("notifications/smtplog", AccountLogViewSet.as_view({"get": "list"})),
    of_account("notifications/smtplog/{mail_id}", AccountLogViewSet.as_view({"get": "retrieve"})),
    of_account(
        "notifications/{template_id}",
        AccountTemplatesViewSet.as_view({"get": "retrieve", "post": "replace", "delete": "destroy"}),
    ),
    of_account("notifications/{template_id}/preview", AccountTemplatesViewSet.as_view({"post": "preview"})),
    re_path(r"^notifications/?$", SystemTemplatesViewSet.as_view({"get": "list", "put": "create"})),
    re_path(r"^notifications/smtplog/?$", SystemLogViewSet.as_view({"get": "list"})),
    re_path(r"^notifications/smtplog/(?P<mail_id>[^/]+)/?$", SystemLogViewSet.as_view({"get": "retrieve"})),
    re_path(
        r"^notifications/(?P<template_id>[^/]+)/?$",
        SystemTemplatesViewSet.as_view({"get": "retrieve", "post": "replace", "delete": "destroy"}),
    ),
    re_path(r"^notifications/(?P<template_id>[^/]+)/preview/?$", SystemTemplatesViewSet.as_view({"post": "preview"})),
]
