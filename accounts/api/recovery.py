"""``/v2/user_auth/recovery``: forgotten passwords. It is there where EMAIL_URL names a mail server."""

from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from accounts.api.auth import LoginViewSet
from accounts.auth import authentication, login, recovery, ui_urls
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import NotFound, ValidationFailed


class RecoveryViewSet(LoginViewSet):
    """Sends links that sign a user in, and takes what they hold."""

    schema_name = "user_auth_recovery"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise NotFound if this service sends no mail: somebody else's page may tell how to go on."""
        if not settings.EMAIL_URL:
            raise NotFound()
        super().initial(request, *args, **kwargs)

    def create(self, request: Request) -> EnvelopeResponse:
        """Have a link sent to a user; the response is the same if there is no such user."""
        data = self.validated_data
        page = ui_urls.allowed_page(str(data.get("ui_url")))
        if page is None:
            message = "This is no address of a web interface that is allowed here (MONSTER_UI_URLS)"
            raise ValidationFailed.field("ui_url", "forbidden", message, value=data.get("ui_url"))
        recovery.request_link(data, page, authentication.client_address(request))
        return EnvelopeResponse({"message": "If there is such a user, a mail with a link is on its way."}, 201)

    @sensitive_variables()
    def replace(self, request: Request) -> EnvelopeResponse:
        """Issue a token for the user of a link, who then has to choose a password; raises InvalidCredentials."""
        reset_id = self.data.get("reset_id")
        if not isinstance(reset_id, str) or not reset_id:
            raise ValidationFailed.field("reset_id", "required", "Field is required but missing")
        account, user = recovery.use_link(reset_id, authentication.client_address(request))
        return self.logged_in(account, user, login.USER_AUTH)
