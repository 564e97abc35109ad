"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path, re_path

from config import health
from config.api_docs import DocumentViewSet, PageViewSet, document_as_yaml

urlpatterns = [
    path("v2/", include("voicemail.api.urls")),
    path("v2/", include("accounts.api.urls")),
    re_path(r"^v2/openapi\.json/?$", DocumentViewSet.as_view({"get": "retrieve"})),
    re_path(
        r"^v2/openapi\.yaml/?$",
        DocumentViewSet.as_view({"get": "retrieve"}, serialized=document_as_yaml, content_type="application/yaml"),
    ),
    re_path(r"^v2/docs/?$", PageViewSet.as_view({"get": "retrieve"})),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("admin/", admin.site.urls),
]
