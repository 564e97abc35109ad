"""Paths of the pages about operators' own access, below ``/admin/``."""

from django.urls import path

from desk.operators import session_pages

urlpatterns = [
    path("sessions/", session_pages.show_own, name="operator_sessions"),
    path("sessions/state/", session_pages.state, name="operator_session_state"),
    path("sessions/<int:user_id>/", session_pages.show_colleagues, name="colleague_sessions"),
]
