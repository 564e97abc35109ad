"""Paths of the pages about operators' own access, below ``/admin/``."""

from django.urls import path

from operators import language, second_factor_pages, session_pages, sign_in, single_sign_on_pages

urlpatterns = [
    path("language/", language.choose, name="operator_language"),
    path("texts/<slug:language>.js", language.ScriptTexts.as_view(packages=["desk"]), name="script_texts"),
    path("login/code/", sign_in.SecondFactorView.as_view(), name="second_factor_sign_in"),
    path("single-sign-on/", single_sign_on_pages.begin, name="single_sign_on"),
    path("single-sign-on/callback/", single_sign_on_pages.end, name="single_sign_on_callback"),
    path("second-factor/", second_factor_pages.manage, name="second_factor"),
    path("second-factor/<int:user_id>/reset/", second_factor_pages.reset, name="reset_second_factor"),
    path("sessions/", session_pages.show_own, name="operator_sessions"),
    path("sessions/state/", session_pages.state, name="operator_session_state"),
    path("sessions/<int:user_id>/", session_pages.show_colleagues, name="colleague_sessions"),
]
