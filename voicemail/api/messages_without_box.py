"""``/v2/accounts/{ACCOUNT_ID}/messages``: the API document prints it in one command, but it names no box."""

from django.http import HttpRequest, HttpResponse

from crossbar.errors import NotFound, error_response

_WHERE = "a message is created in its box: PUT /v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages"


def no_box(request: HttpRequest, account_id: str) -> HttpResponse:
    """No such path, and where to go instead: nothing in the request says whose message it is."""
    return error_response(NotFound(_WHERE), request)
