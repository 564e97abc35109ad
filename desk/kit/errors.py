"""The errors of the rooms below, in words for an operator."""

from django.utils.translation import gettext as _

from accounts.api.exception_handler import api_error
from couch.errors import CouchError
from crossbar.errors import ApiError, ServerBusy, ValidationFailed
from desk.kit.known_texts import translate


def describe_error(error: ApiError | CouchError) -> str:
    """What happened and what to do, in a sentence or two."""
    error = api_error(error)
    if isinstance(error, ValidationFailed):
        return " ".join(f"{path}: {message}" for path, message, _value in field_errors(error))
    if isinstance(error, ServerBusy):
        return _("The service is converting as much audio as it can. Nothing was changed. Try again in a moment.")
    if error.status_code == 503:
        return _("CouchDB doesn't answer, or not in time. Try again in a moment.")
    if error.status_code == 409:
        return _("Somebody else changed this at the same moment. Look at it again, then repeat your change.")
    cause = error.data.get("cause") or error.data.get("message")
    message = error.message.replace("_", " ")  # Kazoo's names of errors: faulty_request
    text = translate(f"{message}: {cause}") if cause else translate(message)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def field_errors(error: ValidationFailed) -> list[tuple[str, str, str | None]]:
    """The fields that failed validation: the path of each, with dots, the reason, and the value if it is taken."""
    return [
        (
            path,
            translate(str(rule.get("message", rule_name))),
            str(rule.get("value")) if rule_name == "unique" else None,
        )
        for path, rules in error.data.items()
        if isinstance(rules, dict)
        for rule_name, rule in rules.items()
        if isinstance(rule, dict)
    ]
