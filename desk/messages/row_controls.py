"""What a row of the list of messages does without leaving the list: play the message, put it into another folder.

Both work without scripts, too: the first as a link to the message's page, the second as a button of the list's form.
"""

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from desk.messages.filters import FOLDERS
from desk.messages.links import message_url

ROW_BUTTON = "row_folder"
"""The name of the buttons that put the message of one row into a folder; their values are the rows' ids."""


def folder_field(row_id: str) -> str:
    """The name of the field with the folder of a row."""
    return f"folder {row_id}"


def folder_choice(row_id: str, current: str, title: str) -> SafeString:
    """The field with the folder of a row's message, and its button."""
    folders = FOLDERS if current in dict(FOLDERS) else [(current, current), *FOLDERS]
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SafeString(" selected") if value == current else "", str(text).lower()) for value, text in folders),
    )
    return format_html(
        '<span class="row-folder"><select name="{}" aria-label="{}" autocomplete="off">{}</select>'
        '<button class="button" name="{}" value="{}">{}</button></span>',
        folder_field(row_id),
        _("Folder of the message of %(title)s") % {"title": title},
        options,
        ROW_BUTTON,
        row_id,
        _("Set"),
    )


def play_link(account_id: str, box_id: str, message_id: str, title: str) -> SafeString:
    """The link to a message's page, by which a script plays the message in the list."""
    return format_html(
        '<a class="play" href="{}" data-audio="{}" aria-label="{}">▶</a>',
        message_url(account_id, box_id, message_id),
        reverse("admin:desk_message_audio", args=[account_id, box_id, message_id]),
        _("Play the message of %(title)s") % {"title": title},
    )
