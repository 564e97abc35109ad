"""The pages of the overview beside the first one: its lists, and the button that has its figures collected."""

from collections.abc import Iterable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from desk.kit.pages import DocumentAdmin, Route, next_url
from desk.overview.lists import LISTS
from desk.scope import scope_of
from events import jobs
from overview.jobs import collect_now


class OverviewPages(DocumentAdmin):
    """The pages of the overview, which is on the desk's first page."""

    def overview_routes(self) -> Iterable[Route]:
        """The lists, and the collection."""
        yield Route("overview/collect/", "overview_collect", self.collect, "change_account")
        yield Route("overview/<str:name>/", "overview_list", self.show_list, "view_account")

    def show_list(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show a list of the overview, of the accounts that the operator may see."""
        overview_list = LISTS.get(name)
        if overview_list is None:
            raise Http404
        self.require_permission(request, overview_list.permission)
        account_ids = scope_of(request.user).account_ids()
        table = overview_list.table(request, account_ids, lambda permission: self.has_permission(request, permission))
        title = str(overview_list.title)
        return self.render(request, "desk/kit/list.html", title, [(title, None)], table=table)

    def collect(self, request: HttpRequest) -> HttpResponse:
        """Have a worker collect the figures, which are those of all accounts."""
        if not scope_of(request.user).is_everything:
            raise PermissionDenied
        if request.method == "POST":
            collect_now()
            if jobs.count_workers():
                messages.success(request, _("The figures are being collected. Reload the page in a moment."))
            else:
                messages.warning(
                    request, _("The figures are collected as soon as a worker runs: start manage.py db_worker.")
                )
        return HttpResponseRedirect(next_url(request, reverse("admin:index")))
