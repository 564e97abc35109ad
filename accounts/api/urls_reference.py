"""Paths of what needs no token, below ``/v2/``; each with or without a slash at its end."""

from django.urls import re_path

from accounts.api.reference import AboutViewSet, SchemasViewSet

urlpatterns = [
    re_path(r"^schemas/?$", SchemasViewSet.as_view({"get": "list"})),
    re_path(r"^schemas/(?P<name>[^/]+)/?$", SchemasViewSet.as_view({"get": "retrieve"})),
    re_path(r"^about/?$", AboutViewSet.as_view({"get": "retrieve"})),
]
