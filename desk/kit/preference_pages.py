"""The addresses that keep what an operator chose on a page: a list's columns and page size, the time zone."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from desk.kit import list_settings, times
from desk.kit.pages import own_url

_MAX_COLUMNS = 100


@admin.site.admin_view
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Keep which of a list's columns are shown, and how many rows a page has."""
    list_name = request.POST.get("list", "")
    if request.method == "POST" and list_name and len(list_name) <= 60:
        shown = frozenset(request.POST.getlist("shown"))
        hidden = [name[:60] for name in request.POST.getlist("column")[:_MAX_COLUMNS] if name not in shown]
        size = request.POST.get("page_size", "")
        page_size = int(size) if size in map(str, list_settings.PAGE_SIZES) else None
        list_settings.store(int(request.user.pk or 0), list_name, hidden, page_size)
    return _go_back(request)


@admin.site.admin_view
def choose_time_zone(request: HttpRequest) -> HttpResponse:
    """Keep in which time zone the operator reads times."""
    if request.method == "POST":
        is_customers = request.POST.get("zone") == "customer"
        times.store_preference(int(request.user.pk or 0), is_customers=is_customers)
    return _go_back(request)


def _go_back(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(own_url(request.GET.get("next", ""), reverse("admin:index")))


urlpatterns = [
    path("list-columns/", choose_columns, name="list_columns"),
    path("time-zone/", choose_time_zone, name="time_zone"),
]
