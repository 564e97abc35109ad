"""Paths below /v2/ that are about accounts and who uses them."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
