"""Single sign-on of operators by OpenID Connect: what a provider's claims mean at the desk.

An operator is known by the provider's subject alone. A user name or mail address that is the same as that of another
operator gives nobody that operator's access: whoever may name himself at the provider could take it over.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import jwt
import requests
from cachetools import TTLCache, cached
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from desk.models import OperatorIdentity

logger = logging.getLogger(__name__)

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
PROVIDER_ERRORS = (SuspiciousOperation, requests.RequestException, jwt.PyJWTError, KeyError, ValueError, TypeError)
"""What a provider that doesn't answer, or answers wrongly, makes of a sign-in."""
SHOWED_SECOND_FACTOR = "single_sign_on_second_factor"
"""What a session keeps of how the provider has checked the operator."""
STATED_NAME = "single_sign_on_name"
"""What a session keeps of who the provider says it is."""
_SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "sc"})
"""Methods (``amr``, RFC 8176) with which the provider has asked for more than a password."""
_LEEWAY_SECONDS = 60
_KEY_TYPES = {"RS": "RSA", "ES": "EC"}
_PERSONAL_FIELDS = (("first_name", "given_name", 150), ("last_name", "family_name", 150), ("email", "email", 254))
"""Fields of an operator, their claims, and how long they may be."""
_NOT_IN_NAMES = re.compile(r"[^\w.@+-]")
_MAX_NAME = 140


@cached(TTLCache(maxsize=1, ttl=3600))
def discover() -> dict[str, Any]:
    """Return what the provider says about itself; raises one of PROVIDER_ERRORS."""
    url = f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration"
    response = requests.get(url, timeout=settings.OIDC_TIMEOUT)
    response.raise_for_status()
    provider: dict[str, Any] = response.json()
    if provider["issuer"].rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
        raise SuspiciousOperation("The provider names another issuer.")
    return provider


class SingleSignOnBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # it comes without types
    """Checks what a provider sends back, and returns the operator, who is created at the first sign-on."""

    def __init__(self) -> None:
        """Take the settings. Not the base class's, which would ask the provider for each password's check, too."""
        self.UserModel = User
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET
        self.OIDC_RP_SIGN_ALGO = settings.OIDC_RP_SIGN_ALGO
        self.OIDC_RP_IDP_SIGN_KEY = None

    def authenticate(self, request: Any, nonce: str | None = None, **credentials: Any) -> User | None:
        """Return the operator of a code that the provider sent; None if it is refused, or for other credentials."""
        if not nonce:
            return None
        provider = discover()
        self.OIDC_OP_TOKEN_ENDPOINT = provider["token_endpoint"]
        self.OIDC_OP_USER_ENDPOINT = provider.get("userinfo_endpoint")
        self.OIDC_OP_JWKS_ENDPOINT = provider["jwks_uri"]
        user: User | None = super().authenticate(request, nonce=nonce, **credentials)
        return user

    def retrieve_matching_jwk(self, token: str) -> jwt.PyJWK:
        """Return the provider's key that an ID token names, or, if it names none, the only one there is."""
        header = jwt.get_unverified_header(token)
        response = requests.get(self.OIDC_OP_JWKS_ENDPOINT, timeout=settings.OIDC_TIMEOUT)
        response.raise_for_status()
        keys = [
            key
            for key in response.json()["keys"]
            if key["kty"] == _KEY_TYPES[self.OIDC_RP_SIGN_ALGO[:2]]
            and key.get("use", "sig") == "sig"
            and key.get("alg", self.OIDC_RP_SIGN_ALGO) == self.OIDC_RP_SIGN_ALGO
            and header.get("kid") in (None, key.get("kid"))
        ]
        if len(keys) != 1:
            raise SuspiciousOperation("The provider has no key, or several, for its ID token.")
        return jwt.PyJWK(keys[0], algorithm=self.OIDC_RP_SIGN_ALGO)

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """Return an ID token's claims; raises PyJWTError unless it is signed by the provider, for us, and recent."""
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            audience=self.OIDC_RP_CLIENT_ID,
            issuer=discover()["issuer"],
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        return claims

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the claims of the ID token and those that the provider tells besides."""
        if not self.OIDC_OP_USER_ENDPOINT:
            return payload
        user_info: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)
        if user_info.get("sub") != payload["sub"]:
            raise SuspiciousOperation("The user information is of somebody else.")
        return {**user_info, **payload}

    def verify_claims(self, claims: Mapping[str, Any]) -> bool:
        """Whether one of the user's groups may use the desk, which has all of them: one may limit the others."""
        self.request.session[STATED_NAME] = _stated_name(claims)  # for the audit log, if it is refused
        names = _desk_groups(claims)
        missing = names - set(Group.objects.filter(name__in=names).values_list("name", flat=True))
        if missing:
            logger.warning("OIDC_GROUPS names groups that the desk doesn't have: %s", ", ".join(sorted(missing)))
        return bool(names) and not missing

    def filter_users_by_claims(self, claims: Mapping[str, Any]) -> list[User]:
        """Return the operator of the provider's subject, in a list."""
        identities = OperatorIdentity.objects.filter(issuer=discover()["issuer"], subject=claims["sub"])
        return [identity.operator for identity in identities.select_related("operator")]

    def create_user(self, claims: Mapping[str, Any]) -> User:
        """Create an operator, under a name that nobody has, without a password."""
        with transaction.atomic():
            user = User(username=_free_name(claims), is_staff=True)
            user.set_unusable_password()
            user.save()
            OperatorIdentity.objects.create(operator=user, issuer=discover()["issuer"], subject=claims["sub"])
            return self.update_user(user, claims)

    def update_user(self, user: User, claims: Mapping[str, Any]) -> User:
        """Take over names and groups. Groups that OIDC_GROUPS doesn't name are the desk's to give and stay."""
        for field, claim, length in _PERSONAL_FIELDS:
            if isinstance(value := claims.get(claim), str):
                setattr(user, field, value[:length])
        user.save(update_fields=["first_name", "last_name", "email"])
        self.request.session[SHOWED_SECOND_FACTOR] = _has_second_factor(claims)
        groups = _desk_groups(claims)
        with transaction.atomic():  # without any of its groups for a moment, an operator could see everything
            user.groups.add(*Group.objects.filter(name__in=groups))
            user.groups.remove(*Group.objects.filter(name__in=settings.OIDC_GROUPS.values()).exclude(name__in=groups))
        return user


def _has_second_factor(claims: Mapping[str, Any]) -> bool:
    """Return whether the methods that a provider states are more than a password."""
    methods = claims.get("amr")
    return isinstance(methods, list) and bool(_SECOND_FACTORS & set(map(str, methods)))


def _desk_groups(claims: Mapping[str, Any]) -> set[str]:
    """Return the names of the desk's groups for those that the provider states."""
    stated = claims.get(settings.OIDC_GROUPS_CLAIM)
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return {settings.OIDC_GROUPS[name] for name in names if isinstance(name, str) and name in settings.OIDC_GROUPS}


def _free_name(claims: Mapping[str, Any]) -> str:
    name = _stated_name(claims)
    candidate, number = name, 1
    while User.objects.filter(username__iexact=candidate).exists():
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _stated_name(claims: Mapping[str, Any]) -> str:
    """Return what the provider calls a person, as far as it may be an operator's name."""
    stated = next((text for claim in ("preferred_username", "email", "sub") if (text := claims.get(claim))), "")
    return _NOT_IN_NAMES.sub("-", str(stated))[:_MAX_NAME]
