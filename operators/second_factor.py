"""The second factor of operators: an authenticator app (TOTP, RFC 6238), or a recovery code in its place.

A recovery code is stored as a digest only. It has 80 random bits, which nobody guesses: a plain SHA-256 is enough.
"""

import base64
import hashlib
import secrets
from typing import Any

import segno
from django.db import transaction
from django_otp import verify_token
from django_otp.plugins.otp_totp.models import TOTPDevice

from desk.models import GroupAccess, RecoveryCode

APP, RECOVERY_CODE = "authenticator app", "recovery code"
_NUMBER_OF_CODES = 10
_CODE_BYTES = 10
_GROUP_LENGTH = 4


def is_set_up(user: Any) -> bool:
    """Whether an operator has an authenticator app."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def is_required(user: Any) -> bool:
    """Whether one of an operator's groups requires a second factor."""
    return GroupAccess.objects.filter(group__user=user, needs_second_factor=True).exists()


def use_code(user: Any, code: str) -> str | None:
    """Return what a code is of, an app or a recovery code; None if it is wrong. Each code is good for once."""
    text = "".join(code.split()).replace("-", "").lower()
    for device in TOTPDevice.objects.filter(user=user, confirmed=True):
        if verify_token(user, device.persistent_id, text) is not None:
            return APP
    used, _ = RecoveryCode.objects.filter(operator=user, digest=_code_digest(text)).delete()
    return RECOVERY_CODE if used else None


def new_app(user: Any) -> TOTPDevice:
    """Return the app that an operator is about to set up: the same until it is confirmed."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": APP})
    return device


def confirm(user: Any, code: str) -> list[str] | None:
    """Turn the second factor on if a code of the new app is right; return new recovery codes, else None."""
    device = new_app(user)
    if verify_token(user, device.persistent_id, "".join(code.split())) is None:
        return None
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        return renew_recovery_codes(user)


def renew_recovery_codes(user: Any) -> list[str]:
    """Store new recovery codes in place of an operator's old ones, and return them: nobody can read them later."""
    codes = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower() for _ in range(_NUMBER_OF_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(operator=user).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(operator=user, digest=_code_digest(code)) for code in codes)
    return ["-".join(code[i : i + _GROUP_LENGTH] for i in range(0, len(code), _GROUP_LENGTH)) for code in codes]


def count_recovery_codes(user: Any) -> int:
    """Return how many recovery codes an operator has left."""
    return RecoveryCode.objects.filter(operator=user).count()


def turn_off(user: Any) -> None:
    """Turn an operator's second factor off."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(operator=user).delete()


def secret_of(device: TOTPDevice) -> str:
    """Return an app's secret as people type it, in groups."""
    text = base64.b32encode(device.bin_key).decode()
    return " ".join(text[i : i + _GROUP_LENGTH] for i in range(0, len(text), _GROUP_LENGTH))


def qr_code_of(device: TOTPDevice) -> str:
    """Return an app's secret as a QR code in SVG, to put into a page: no picture that a browser would keep."""
    code = segno.make(device.config_url, error="m")
    return str(code.svg_inline(scale=5, border=4, light="white", dark="black", title="QR code of the secret"))


def _code_digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
