"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("v2/", include("voicemail.urls")),
    path("v2/", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
