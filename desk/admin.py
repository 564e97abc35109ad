"""Registers every page of the desk with Django's admin, which looks for this module."""

from django.contrib import admin

from desk.accounts import pages as accounts
from desk.audit import record as audit
from desk.mailboxes import pages as mailboxes
from desk.messages import pages as messages
from desk.migration_runs import pages as migration_pages
from desk.operators import pages as operators
from desk.users import pages as users

admin.site.site_header = admin.site.site_title = "Voicemail"
admin.site.index_title = "Desk"
admin.site.index_template = "desk/index.html"
admin.site.site_url = None  # there is no site but the API

__all__ = ["accounts", "audit", "mailboxes", "messages", "migration_pages", "operators", "users"]
