"""OpenID Connect, as OpenAPI describes it: a bearer token, with the URL of the provider's metadata."""

from __future__ import annotations

from typing import Any

from authmw.schemes.http_bearer import BearerScheme
from authmw.schemes.oauth2 import BearerVerifier


class OpenIdConnect(BearerScheme):
    """An access token of an OpenID provider.

    Args:
        openid_connect_url: the provider's ``/.well-known/openid-configuration``. Documented, never fetched here.
        verifier: a `JWTVerifier` with the provider's keys, issuer and this API's audience.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.
    """

    def __init__(
        self,
        openid_connect_url: str,
        verifier: BearerVerifier = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(verifier, name=name, description=description)
        self.openid_connect_url = openid_connect_url

    def openapi(self) -> dict[str, Any]:
        """``{"type": "openIdConnect", "openIdConnectUrl": …}``."""
        return self._described({"type": "openIdConnect", "openIdConnectUrl": self.openid_connect_url})
