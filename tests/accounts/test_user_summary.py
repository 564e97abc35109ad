"""Which features a user's document has on."""

from typing import Any

import pytest

from accounts import user_summary

ON, OFF = {"enabled": True}, {"enabled": False}


@pytest.mark.parametrize(
    ("members", "features"),
    [
        ({"call_forward": {"enabled": True, "number": "+12025550178"}}, ["call_forward"]),
        ({"call_forward": {"enabled": False, "number": "+12025550178"}}, []),
        ({"hotdesk": ON, "do_not_disturb": {"enabled": "true"}}, ["do_not_disturb", "hotdesk"]),
        ({"smartpbx": {"faxing": ON, "conferencing": OFF, "find_me_follow_me": ON}}, ["faxing", "find_me_follow_me"]),
        ({"smartpbx": {"hotdesk": ON}, "hotdesk": ON}, ["hotdesk"]),
        ({"vm_to_email_enabled": True}, ["vm_to_email"]),
        ({"vm_to_email_enabled": "true"}, ["vm_to_email"]),
        ({"vm_to_email_enabled": False}, []),
        ({"caller_id": {"external": {"number": "+12025550178"}}}, ["caller_id"]),
        ({"caller_id": {"internal": {"number": "1001"}}}, []),
        # That the user may sign in is no feature.
        ({"enabled": True}, []),
        # What old or odd documents hold.
        ({"smartpbx": [], "call_forward": [], "caller_id": {"external": []}, "music_on_hold": None}, []),
        ({"smartpbx": {"faxing": True}, "hotdesk": "on"}, []),
    ],
)
def test_features_are_those_that_the_document_has_on(members: dict[str, Any], features: list[str]) -> None:
    assert user_summary.list_features({"_id": "ab" * 16, **members}) == features
