"""Paths of what needs no token, below ``/v2/``."""

from django.urls import path

from accounts.views.reference import AboutViewSet, SchemasViewSet

urlpatterns = [
    path("schemas", SchemasViewSet.as_view({"get": "list"})),
    path("schemas/<str:name>", SchemasViewSet.as_view({"get": "retrieve"})),
    path("about", AboutViewSet.as_view({"get": "retrieve"})),
]
