"""What the listing of users shows of a user's document."""

from typing import Any

import pytest

from accounts import user_summary

ON, OFF = {"enabled": True}, {"enabled": False}


@pytest.mark.parametrize(
    ("members", "features"),
    [
        ({"smartpbx": {"faxing": ON, "conferencing": OFF, "find_me_follow_me": ON}}, ["faxing", "find_me_follow_me"]),
        ({"hotdesk": ON, "do_not_disturb": ON}, ["hotdesk", "do_not_disturb"]),
        ({"hotdesk": OFF, "do_not_disturb": {}, "ctu": OFF}, []),
        ({"smartpbx": {"hotdesk": ON}, "hotdesk": ON}, ["hotdesk"]),
        ({"call_forward": {"enabled": True, "failover": True}}, ["call_forward"]),
        ({"call_forward": {"enabled": False, "failover": True}}, ["call_forward_failover"]),
        ({"caller_id": {"external": {"number": "+12025550178"}}}, ["caller_id"]),
        ({"caller_id": {"internal": {"number": "1001"}}}, []),
        ({"vm_to_email_enabled": True}, ["vm_to_email"]),
        ({"vm_to_email_enabled": "true"}, ["vm_to_email"]),
        ({"vm_to_email_enabled": False}, []),
        ({"music_on_hold": {"media_id": "ab" * 16}}, ["music_on_hold"]),
        ({"ctu": ON, "desktop": ON}, ["ctu", "desktop"]),
        ({"features": ["own"], "vm_to_email_enabled": True}, ["own", "vm_to_email"]),
        # What old or odd documents hold.
        ({"smartpbx": [], "call_forward": [], "caller_id": {"external": []}, "music_on_hold": None}, []),
        ({"smartpbx": {"faxing": True}, "hotdesk": "on", "features": "own"}, []),
    ],
)
def test_features_are_those_that_the_document_has_on(members: dict[str, Any], features: list[str]) -> None:
    assert user_summary.list_features({"_id": "ab" * 16, **members}) == features
