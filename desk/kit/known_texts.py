"""Texts of the rooms below, which know no languages, in the language of the page.

The API's errors and the descriptions in schemas are in English, and so is what other versions or a Kazoo stored. A
text that is known here, or marked somewhere at the desk, is shown translated, any other as it is.
"""

import re
from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop

_TEXTS = (
    gettext_noop("Field is required but missing"),
    gettext_noop("Value not found in enumerated list of values"),
    gettext_noop("List of items is not unique"),
    gettext_noop("Field is not in the correct format"),
    gettext_noop("Field is not known"),
    gettext_noop("The list has items that are not known"),
    gettext_noop("Value is not allowed"),
    gettext_noop("Value is not a time in Gregorian seconds"),
    gettext_noop("Account realm already in use"),
    gettext_noop("Account has descendants: delete those first"),
    gettext_noop("Username is not unique for this account"),
    gettext_noop("A password needs a user name"),
    gettext_noop("The password must be provided when updating the user name"),
    gettext_noop("Invalid mailbox number, alias or already exists"),
    gettext_noop("The messages are in this mailbox already"),
    gettext_noop("Please provide a media file"),
    gettext_noop("Please provide a media file that holds audio"),
    gettext_noop("Please provide a shorter media file: this one takes too long to convert"),
    gettext_noop("Please provide a text to speak"),
    gettext_noop("Please provide a text that can be spoken"),
    gettext_noop("Please provide a voice like female/en-US, of a language that can be spoken"),
    gettext_noop("Please provide a shorter text: this takes too long to speak"),
    gettext_noop("Value is not an http or https address"),
    gettext_noop("The header can't be sent: its name or value is malformed, or it is one of our own"),
    gettext_noop("The attempt doesn't say what its event was"),
    gettext_noop("mailbox full"),
    gettext_noop("request body too large"),
    gettext_noop("too many requests"),
    gettext_noop("bad identifier"),
)
_PATTERNS = (
    gettext_noop("Value did not match type(s): %(types)s"),
    gettext_noop("String must be at least %(limit)s characters"),
    gettext_noop("String must not be more than %(limit)s characters"),
    gettext_noop("Value must be at least %(limit)s"),
    gettext_noop("Value must be at most %(limit)s"),
    gettext_noop("The list must have at least %(limit)s items"),
    gettext_noop("The list must not have more than %(limit)s items"),
    gettext_noop("%(limit)s or more members are needed"),
    gettext_noop("The account has messages of %(limit)s months already"),
    gettext_noop("Accounts can't be more than %(limit)s levels deep"),
    gettext_noop("An account can't have more than %(limit)s accounts below it"),
    gettext_noop("An account can't have more than %(limit)s webhooks"),
    gettext_noop("An account can't have more than %(limit)s mailboxes"),
    gettext_noop("An account can't have more than %(limit)s numbers"),
    gettext_noop("A request can't make more than %(limit)s copies"),
)


def translate(text: str) -> str:
    """A text in the page's language if it is a known one, else the text itself."""
    if not text or get_language() in (None, "en"):
        return text
    translated = gettext(text)
    if translated != text:
        return translated
    for pattern, known_text in _compiled_patterns():
        if match := pattern.fullmatch(text):
            return gettext(known_text) % match.groupdict()
    return text


@cache
def _compiled_patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_compile(text), text) for text in _PATTERNS]


def _compile(text: str) -> re.Pattern[str]:
    """A pattern that matches a text with anything in place of its placeholders."""
    return re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.*)", re.escape(text)))
