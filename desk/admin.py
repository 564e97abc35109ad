"""Registers all pages with Django's admin, which imports this module by its name."""

from django.contrib import admin

import desk.accounts.pages
import desk.audit.pages
import desk.mailboxes.pages
import desk.media.pages
import desk.messages.pages
import desk.migration_runs.pages
import desk.operators.pages
import desk.users.pages
import desk.webhooks.pages  # noqa: F401 - importing registers
from desk.operators.sign_in import SignInForm

admin.site.login_form = SignInForm
admin.site.site_header = admin.site.site_title = "Voicemail"
admin.site.index_title = "Desk"
admin.site.index_template = "desk/index.html"
admin.site.site_url = None  # there is no public site to link to
