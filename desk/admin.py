"""Registers every page of the desk with Django's admin, which looks for this module."""

from django.contrib import admin

from desk import accounts, mailboxes, messages, migration_pages, operators, users
from desk.kit import audit

admin.site.site_header = admin.site.site_title = "Voicemail"
admin.site.index_title = "Desk"
admin.site.index_template = "desk/index.html"
admin.site.site_url = None  # there is no site but the API

__all__ = ["accounts", "audit", "mailboxes", "messages", "migration_pages", "operators", "users"]
