"""Every path of the service."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path, reverse_lazy
from django.views.generic import RedirectView

from config import health, pages
from config.api_docs import DocumentViewSet, PageViewSet, document_as_yaml
from config.metrics.page import metrics
from config.security_txt import security_txt

urlpatterns = [
    path("v2/", include("voicemail.api.urls")),
    path("v2/", include("accounts.api.urls")),
    path("v2/", include("media.api.urls")),
    path("v2/", include("webhooks.api.urls")),
    path("v2/", include("notifications.api.urls")),
    re_path(r"^v2/openapi\.json/?$", DocumentViewSet.as_view({"get": "retrieve"})),
    re_path(
        r"^v2/openapi\.yaml/?$",
        DocumentViewSet.as_view({"get": "retrieve"}, serialized=document_as_yaml, content_type="application/yaml"),
    ),
    re_path(r"^v2/docs/?$", PageViewSet.as_view({"get": "retrieve"})),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("health/events", health.events),
    path("health/audit", health.audit),
    *([path("metrics", metrics)] if settings.METRICS_TOKEN else []),
    path(".well-known/security.txt", security_txt),
    path("", pages.front_page),
    path("favicon.ico", pages.icon),
    path("admin", RedirectView.as_view(pattern_name="admin:index", query_string=True)),
    path("admin/login/", pages.sign_in),
    path("admin/", include("operators.urls")),
    path("admin/", include("desk.kit.preference_pages")),
    path("admin/", include("desk.search.pages")),
    # Django's links from the admin to pages of the site, which has none.
    path("admin/r/<path:object_path>", RedirectView.as_view(url=reverse_lazy("admin:index"))),
    path("admin/", admin.site.urls),
]
handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.server_error
