"""Registers all pages with Django's admin, which imports this module by its name."""

import django_otp.plugins.otp_totp.admin  # noqa: F401 - likewise
import django_tasks_db.admin  # noqa: F401 - registers what is taken off again below
from django.contrib import admin
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_tasks_db.models import DBTaskResult

import desk.accounts.pages
import desk.api_keys.pages
import desk.audit.pages
import desk.erasures.pages
import desk.jobs.pages
import desk.mailboxes.pages
import desk.mails.pages
import desk.media.pages
import desk.messages.pages
import desk.migration_runs.pages
import desk.sections
import desk.users.pages
import desk.webhooks.pages  # noqa: F401 - importing registers

admin.site.unregister(TOTPDevice)  # whose page would show an operator's secret
admin.site.unregister(DBTaskResult)  # which the desk shows as jobs
admin.site.site_header = admin.site.site_title = gettext_lazy("Voicemail")
admin.site.index_title = gettext_lazy("Desk")
admin.site.index_template = "desk/index.html"
admin.site.site_url = None  # there is no public site to link to
