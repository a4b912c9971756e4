"""OpenID Connect: the class of `fastapi.security.open_id_connect_url`."""

from typing import TYPE_CHECKING

from fastapi.dependencies import utils
from fastapi.openapi.models import OpenIdConnect as OpenIdConnectModel
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.status import HTTP_401_UNAUTHORIZED

from authmw_fastapi.security.base import Scheme, SecurityBase
from authmw_fastapi.security.oauth2 import whole_header

__all__ = ["OpenIdConnect"]

if TYPE_CHECKING:
    _Documented = SecurityBase
else:
    _Documented = getattr(utils, "OpenIdConnect", SecurityBase)  # as in oauth2.py


class OpenIdConnect(Scheme, _Documented):
    """The whole ``Authorization`` header, and the provider's metadata for the OpenAPI document.

    Args:
        openIdConnectUrl: the provider's ``/.well-known/openid-configuration``. It is documented, and never fetched.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without the header is refused; otherwise it is given None.

    >>> OpenIdConnect(openIdConnectUrl="/openid").model.openIdConnectUrl
    '/openid'
    """

    model: OpenIdConnectModel

    def __init__(
        self,
        *,
        openIdConnectUrl: str,  # noqa: N803 - as OpenAPI and FastAPI spell it
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme_name=scheme_name, auto_error=auto_error)
        self.model = OpenIdConnectModel(openIdConnectUrl=openIdConnectUrl, description=description)  # pyright: ignore[reportIncompatibleVariableOverride] - as FastAPI

    def make_not_authenticated_error(self) -> HTTPException:
        """401 with the challenge ``Bearer``."""
        return HTTPException(HTTP_401_UNAUTHORIZED, "Not authenticated", {"WWW-Authenticate": "Bearer"})

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The value of ``Authorization``, scheme included."""
        header = whole_header(request)
        if header is None:
            self._go_without()
        return header
