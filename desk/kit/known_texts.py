"""Texts of the rooms below, which know no languages, in the language of the page.

The API's errors and the descriptions in schemas are in English, and so is what other versions or a Kazoo stored. A
text that is known here, or marked somewhere at the desk, is shown translated, any other as it is.
"""

import re
from functools import cache

from django.utils.functional import lazy
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
    gettext_noop("This message is older than the message retention duration: no update is permitted"),
    gettext_noop("Its own database is missing."),
    gettext_noop("New voicemail"),
    gettext_noop("Mailbox full"),
    gettext_noop("Deleted voicemail"),
)
_ACTIONS = (
    gettext_noop("created"),
    gettext_noop("changed"),
    gettext_noop("enabled"),
    gettext_noop("disabled"),
    gettext_noop("removed"),
    gettext_noop("deleted"),
    gettext_noop("restored"),
    gettext_noop("sent again"),
    gettext_noop("saw the API key of"),
    gettext_noop("revoked"),
    gettext_noop("renewed the API key of"),
    gettext_noop("changed the password of"),
    gettext_noop("changed the retention of"),
    gettext_noop("created views of"),
    gettext_noop("created MODbs of"),
    gettext_noop("did a job again"),
    gettext_noop("replaced the audio of"),
    gettext_noop("uploaded the audio of"),
    gettext_noop("saw the PIN of"),
    gettext_noop("changed the PIN of"),
    gettext_noop("changed a greeting of"),
    gettext_noop("exported the PINs of"),
    gettext_noop("put into new"),
    gettext_noop("put into saved"),
    gettext_noop("put into deleted"),
    gettext_noop("put back into the folders they were in"),
    gettext_noop("moved"),
    gettext_noop("copied"),
    gettext_noop("downloaded"),
    gettext_noop("listened to"),
    gettext_noop("read the transcription of"),
    gettext_noop("started a dry run of migrating"),
    gettext_noop("started migrating"),
    gettext_noop("started verifying"),
    gettext_noop("started a dry run of purging"),
    gettext_noop("started purging"),
    gettext_noop("stopped a dry run of migrating"),
    gettext_noop("stopped migrating"),
    gettext_noop("stopped verifying"),
    gettext_noop("stopped a dry run of purging"),
    gettext_noop("stopped purging"),
    gettext_noop("signed in"),
    gettext_noop("signed out"),
    gettext_noop("was refused"),
    gettext_noop("set up a second factor"),
    gettext_noop("turned off a second factor"),
    gettext_noop("reset the second factor of"),
    gettext_noop("renewed recovery codes"),
    gettext_noop("changed the sign-in of"),
    gettext_noop("was signed out"),
    gettext_noop("ended a session of"),
)
"""What entries of the audit log say was done."""
_FOLDERS = (gettext_noop("new"), gettext_noop("saved"))
"""Of messages, where their names are shown as they are stored."""
_KINDS = (
    gettext_noop("account"),
    gettext_noop("user"),
    gettext_noop("mailbox"),
    gettext_noop("message"),
    gettext_noop("media"),
    gettext_noop("mail"),
    gettext_noop("webhook"),
    gettext_noop("job"),
    gettext_noop("operator"),
    gettext_noop("device"),
    gettext_noop("API key"),
    gettext_noop("settings"),
    gettext_noop("messages"),
    gettext_noop("mailboxes"),
    gettext_noop("webhooks"),
    gettext_noop("caller"),
)
"""Of documents, in the audit log."""
_STATES = (
    gettext_noop("Waiting"),
    gettext_noop("Sending"),
    gettext_noop("Ending"),
    gettext_noop("Accepted"),
    gettext_noop("Sent"),
    gettext_noop("Failed"),
    gettext_noop("Unconfirmed"),
    gettext_noop("Skipped"),
    gettext_noop("waiting"),
    gettext_noop("sending"),
    gettext_noop("ending"),
    gettext_noop("accepted"),
    gettext_noop("sent"),
    gettext_noop("failed"),
    gettext_noop("unconfirmed"),
    gettext_noop("skipped"),
)
"""Of mails and their recipients."""
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


translate_lazy = lazy(translate, str)
"""`translate`, when the text is shown."""


@cache
def _compiled_patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_compile(text), text) for text in _PATTERNS]


def _compile(text: str) -> re.Pattern[str]:
    """A pattern that matches a text with anything in place of its placeholders."""
    return re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.*)", re.escape(text)))
