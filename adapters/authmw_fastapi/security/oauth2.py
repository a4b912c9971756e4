"""OAuth 2: the classes of `fastapi.security.oauth2`, and one for the client credentials flow, which it lacks."""

from typing import TYPE_CHECKING, Any

from fastapi.dependencies import utils
from fastapi.exceptions import HTTPException
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlows as OAuthFlowsModel
from fastapi.security.oauth2 import SecurityScopes  # FastAPI injects this class, so it cannot be replaced
from starlette.requests import HTTPConnection
from starlette.status import HTTP_401_UNAUTHORIZED

from authmw_fastapi.security.base import Scheme, SecurityBase
from authmw_fastapi.security.forms import (
    OAuth2ClientCredentialsRequestForm,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OAuth2RefreshRequestForm,
)
from authmw_fastapi.security.reading import authorization

__all__ = [
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
    "OAuth2ClientCredentialsRequestForm",
    "OAuth2PasswordBearer",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "OAuth2RefreshRequestForm",
    "SecurityScopes",
]

if TYPE_CHECKING:
    _Documented = SecurityBase
else:
    # FastAPI up to 0.122 documents scopes only for instances of its own OAuth2. So that class is a base here, but none
    # of its methods is ever called.
    _Documented = getattr(utils, "OAuth2", SecurityBase)


class OAuth2(Scheme, _Documented):
    """The whole ``Authorization`` header, with any OAuth 2 flows described.

    Args:
        flows: the OAuth Flows Object of OpenAPI, by flow: ``{"password": {"tokenUrl": …, "scopes": {…}}}``.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without the header is refused; otherwise it is given None.

    >>> OAuth2(flows={"password": {"tokenUrl": "token", "scopes": {}}}).model.flows.password.tokenUrl
    'token'
    """

    model: OAuth2Model

    def __init__(
        self,
        *,
        flows: OAuthFlowsModel | dict[str, dict[str, Any]] = OAuthFlowsModel(),  # noqa: B008 - never changed
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme_name=scheme_name, auto_error=auto_error)
        self.model = OAuth2Model.model_validate({"flows": flows, "description": description})  # pyright: ignore[reportIncompatibleVariableOverride] - as FastAPI

    def make_not_authenticated_error(self) -> HTTPException:
        """401 with the challenge ``Bearer``, which nearly every program needs."""
        return HTTPException(HTTP_401_UNAUTHORIZED, "Not authenticated", {"WWW-Authenticate": "Bearer"})

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The value of ``Authorization``, scheme included."""
        header = whole_header(request)
        if header is None:
            self._go_without()
        return header


class _OAuth2Bearer(OAuth2):
    """The token after ``Bearer``, with one flow described."""

    def _describe(
        self,
        flow: str,
        scopes: dict[str, str] | None,
        scheme_name: str | None,
        description: str | None,
        auto_error: bool,
        **urls: str | None,
    ) -> None:
        flows: dict[str, dict[str, Any]] = {flow: {**urls, "scopes": scopes or {}}}
        super().__init__(flows=flows, scheme_name=scheme_name, description=description, auto_error=auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The token."""
        found = authorization(request)
        token = found.bearer_token if found else None
        if token is None:
            self._go_without()
        return token


class OAuth2PasswordBearer(_OAuth2Bearer):
    """A bearer token that is obtained by name and password (RFC 6749 §4.3). For first-party applications only.

    Args:
        tokenUrl: where to get a token; relative to the application's root.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        scopes: each scope with its description.
        description: for the OpenAPI document.
        auto_error: whether a request without a token is refused; otherwise it is given None.
        refreshUrl: where to refresh it, when that is elsewhere.

    >>> OAuth2PasswordBearer("token").model.flows.password.tokenUrl
    'token'
    """

    def __init__(  # noqa: PLR0917 - as FastAPI's are
        self,
        tokenUrl: str,  # noqa: N803 - as OpenAPI and FastAPI spell it
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
        refreshUrl: str | None = None,  # noqa: N803
    ) -> None:
        urls = {"tokenUrl": tokenUrl, "refreshUrl": refreshUrl}
        self._describe("password", scopes, scheme_name, description, auto_error, **urls)


class OAuth2AuthorizationCodeBearer(_OAuth2Bearer):
    """A bearer token that is obtained through an authorization server's login page (RFC 6749 §4.1).

    Args:
        authorizationUrl: the server's authorization endpoint.
        tokenUrl: its token endpoint.
        refreshUrl: where to refresh it, when that is elsewhere.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        scopes: each scope with its description.
        description: for the OpenAPI document.
        auto_error: whether a request without a token is refused; otherwise it is given None.

    >>> OAuth2AuthorizationCodeBearer("authorize", "token").model.flows.authorizationCode.authorizationUrl
    'authorize'
    """

    def __init__(  # noqa: PLR0917 - as FastAPI's are
        self,
        authorizationUrl: str,  # noqa: N803
        tokenUrl: str,  # noqa: N803
        refreshUrl: str | None = None,  # noqa: N803
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        urls = {"authorizationUrl": authorizationUrl, "tokenUrl": tokenUrl, "refreshUrl": refreshUrl}
        self._describe("authorizationCode", scopes, scheme_name, description, auto_error, **urls)


class OAuth2ClientCredentialsBearer(_OAuth2Bearer):
    """A bearer token that a client obtained for itself (RFC 6749 §4.4). FastAPI has no such class.

    Args:
        tokenUrl: where to get a token; relative to the application's root.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        scopes: each scope with its description.
        description: for the OpenAPI document.
        auto_error: whether a request without a token is refused; otherwise it is given None.
        refreshUrl: where to refresh it. RFC 6749 §4.4.3 advises against refresh tokens in this flow.

    >>> OAuth2ClientCredentialsBearer("token").model.flows.clientCredentials.tokenUrl
    'token'
    """

    def __init__(  # noqa: PLR0917 - as FastAPI's are
        self,
        tokenUrl: str,  # noqa: N803
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
        refreshUrl: str | None = None,  # noqa: N803
    ) -> None:
        urls = {"tokenUrl": tokenUrl, "refreshUrl": refreshUrl}
        self._describe("clientCredentials", scopes, scheme_name, description, auto_error, **urls)


def whole_header(connection: HTTPConnection) -> str | None:
    """The value of ``Authorization``, scheme included; None without one, and for ``Bearer`` and no token."""
    found = authorization(connection)
    if found is None or (found.scheme.lower() == "bearer" and not found.value):
        return None
    return found.text
