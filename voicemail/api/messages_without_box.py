"""``/v2/accounts/{ACCOUNT_ID}/messages``: the API document prints it in one command, but it names no mailbox."""

from django.http import HttpRequest, HttpResponse

from crossbar.errors import NotFound
from crossbar.exception_handler import error_response

_HINT = "a message is created in its box: PUT /v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages"


def messages_without_box(request: HttpRequest, account_id: str) -> HttpResponse:
    """Return a 404 with the path to use: nothing in the request says in which mailbox the message is."""
    return error_response(NotFound(_HINT), request)
