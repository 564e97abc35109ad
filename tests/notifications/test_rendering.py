"""Templates that customers write: what they can say, and that they can neither reach nor use up anything."""

from datetime import UTC, datetime
from typing import Any

import pytest

from notifications import macros, templates
from notifications.rendering import BrokenTemplate, render

VALUES: dict[str, Any] = {
    "caller_id": {"name": "<Ada>", "number": "1001", "items": "a member"},
    "voicemail": {"transcription": "", "names": ["a", "b", "c"]},
    "date_called": {"local": datetime(2026, 11, 28, 17, 18, tzinfo=UTC)},
    "list": ["x"] * 200,
    "text": "y" * 20_000,
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ caller_id.name }}", "&lt;Ada&gt;"),
        ("{{caller_id.name|safe}}{% autoescape off %}{{caller_id.name}}{% endautoescape %}", "&lt;Ada&gt;" * 2),
        ("{{ caller_id.nothing }}{{ nothing.at.all }}", ""),
        ("{{ caller_id.items }}", "a member"),
        ("{{ voicemail.names.1 }}{{ voicemail.names.7 }}", "b"),
        ("{% for name in voicemail.names %}{{ forloop.counter }}{{ name }}{% endfor %}", "1a2b3c"),
        ("{% if voicemail.transcription %}yes{% else %}no{% endif %}", "no"),
        ('{% ifequal caller_id.number "1001" %}yes{% else %}no{% endifequal %}', "yes"),
        ('{% ifnotequal caller_id.number "1001" %}yes{% endifnotequal %}', ""),
        ('{{ voicemail.names|join:", "|upper }}', "A, B, C"),
        ('{{ date_called.local|date:"Y-m-d H:i" }}', "2026-11-28 17:18"),
        ('{% with name=caller_id.name|default:"?" %}{{ name }}{% endwith %}', "&lt;Ada&gt;"),
    ],
)
def test_what_kazoos_templates_say_is_understood(source: str, text: str) -> None:
    assert render(source, VALUES, is_html=True) == text


def test_texts_are_not_escaped() -> None:
    assert render("{{ caller_id.name }}", VALUES, is_html=False) == "<Ada>"


def test_what_no_mail_can_hold_is_replaced() -> None:
    assert render("\ud83d {{ caller_id.number }}", VALUES, is_html=False) == "? 1001"


@pytest.mark.parametrize(
    "source",
    [
        "{{ caller_id.name.upper }}",
        "{{ caller_id.keys }}",
        "{{ date_called.local.year }}",
        "{{ voicemail.names.append }}",
        "{{ settings.SECRET_KEY }}{{ request }}{{ block.super }}",
    ],
)
def test_no_attribute_can_be_reached(source: str) -> None:
    assert render(source, VALUES, is_html=True) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ caller_id.__class__ }}",
        '{% include "desk/base.html" %}',
        '{% extends "desk/base.html" %}',
        "{% load static %}",
        "{% debug %}",
        "{% csrf_token %}",
        '{% url "admin:index" %}',
        '{{ caller_id.name|stringformat:"999999999s" }}',
        "{{ caller_id.name|ljust:999999999 }}",
        "{{ caller_id.name|addslashes }}",
        "{{ 1|floatformat:999999999 }}",
        "{% lorem 100000 %}",
        "{% if %}",
    ],
)
def test_what_is_on_no_list_is_no_template(source: str) -> None:
    with pytest.raises(BrokenTemplate):
        render(source, VALUES, is_html=True)


def _doubled(times: int) -> str:
    tags = (f"{{% with t{n + 1}=t{n}|add:t{n} %}}" for n in range(times))
    return "{% with t0=text %}" + "".join(tags) + "{{ t1 }}" + "{% endwith %}" * (times + 1)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in list %}" * 6 + "{% endfor %}" * 6,
        "{% for a in list %}{% for b in list %}" + "t" * 10_000 + "{% endfor %}{% endfor %}",
        "{% for a in text %}{% for b in text %}{% endfor %}{% endfor %}",
        "{{ text }}" * 200,
        "{% if list %}\n" * 5_000,
        "{%" * 140_000,
        "{{" * 1_000 + "a" * 200_000,
        "x" * 400_000,
        _doubled(40),
        "{{ list|join:text }}",
        "{{ list" + "|join:text" * 100 + " }}",
        "{{ " + "a." * 2_000 + "b }}",
    ],
    ids=range(12),
)
def test_what_would_take_long_is_stopped(source: str) -> None:
    with pytest.raises(BrokenTemplate):
        render(source, VALUES, is_html=True)


@pytest.mark.parametrize("template_id", templates.IDS)
def test_our_own_templates_can_be_rendered_without_any_value(template_id: str) -> None:
    own = templates.own(template_id)
    for content_type, source in own.texts.items():
        assert render(source, {}, is_html=content_type == templates.HTML)
    assert render(own.members["subject"], {}, is_html=False)


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [("Ada", "1001", "Ada (1001)"), ("1001", "1001", "1001"), ("", "1001", "1001"), ("Ada", "", "Ada")],
)
def test_a_caller_is_told_by_name_and_number(name: str, number: str, text: str) -> None:
    assert macros.name_and_number(name, number) == text


def test_lengths_are_clock_times() -> None:
    assert [macros.clock_time(length) for length in (1, 61_000, 3_723_999, -5)] == [
        "00:00:00",
        "00:01:01",
        "01:02:03",
        "00:00:00",
    ]
