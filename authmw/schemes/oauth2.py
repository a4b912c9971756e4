"""The OAuth 2 schemes of OpenAPI: bearer tokens, with where to get them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from authmw.identity.credentials import BearerToken
from authmw.identity.scopes import checked_scopes
from authmw.schemes.http_bearer import BearerScheme
from authmw.verifiers.base import Verifier

BearerVerifier = Verifier[BearerToken] | Callable[..., Any] | None
"""What an OAuth 2 scheme verifies its tokens with: a verifier, a function, or nothing."""


class OAuth2(BearerScheme):
    """A bearer token, with any OAuth 2 flows described.

    Args:
        flows: the OAuth Flows Object of OpenAPI 3.1, by flow: ``{"password": {"tokenUrl": …, "scopes": {…}}}``.
        verifier: a `JWTVerifier`, a `TokenVerifier`, or a function from the token to a `Principal` or None.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.
    """

    def __init__(
        self,
        flows: Mapping[str, Mapping[str, Any]],
        verifier: BearerVerifier = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(verifier, name=name, description=description)
        self.flows: dict[str, dict[str, Any]] = {flow: dict(described) for flow, described in flows.items()}
        for described in self.flows.values():
            checked_scopes(described.setdefault("scopes", {}))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "oauth2", "flows": {…}}``."""
        return self._described({"type": "oauth2", "flows": self.flows})


class OAuth2PasswordBearer(OAuth2):
    """A bearer token obtained by user name and password (RFC 6749 §4.3). For first-party applications only.

    Args:
        token_url: where to get a token; relative to the application's root.
        verifier: verifies the token.
        scopes: each scope with its description.
        refresh_url: where to refresh it, when that is elsewhere.

    >>> OAuth2PasswordBearer("token", scopes={"orders:read": "See orders"}).openapi()["flows"]["password"]["tokenUrl"]
    'token'
    """

    def __init__(
        self,
        token_url: str,
        verifier: BearerVerifier = None,
        *,
        scopes: Mapping[str, str] | None = None,
        refresh_url: str = "",
        name: str = "",
        description: str = "",
    ) -> None:
        flow = _flow(scopes, refresh_url, tokenUrl=token_url)
        super().__init__({"password": flow}, verifier, name=name, description=description)


class OAuth2AuthorizationCodeBearer(OAuth2):
    """A bearer token obtained through an authorization server's login page (RFC 6749 §4.1).

    Args:
        authorization_url: the server's authorization endpoint.
        token_url: its token endpoint.
        verifier: verifies the token.
        scopes: each scope with its description.
        refresh_url: where to refresh it, when that is elsewhere.
    """

    def __init__(
        self,
        authorization_url: str,
        token_url: str,
        verifier: BearerVerifier = None,
        *,
        scopes: Mapping[str, str] | None = None,
        refresh_url: str = "",
        name: str = "",
        description: str = "",
    ) -> None:
        flow = _flow(scopes, refresh_url, authorizationUrl=authorization_url, tokenUrl=token_url)
        super().__init__({"authorizationCode": flow}, verifier, name=name, description=description)


class OAuth2ClientCredentialsBearer(OAuth2):
    """A bearer token that a client obtained for itself (RFC 6749 §4.4).

    Args:
        token_url: where to get a token.
        verifier: verifies the token.
        scopes: each scope with its description.
    """

    def __init__(
        self,
        token_url: str,
        verifier: BearerVerifier = None,
        *,
        scopes: Mapping[str, str] | None = None,
        name: str = "",
        description: str = "",
    ) -> None:
        flow = _flow(scopes, "", tokenUrl=token_url)
        super().__init__({"clientCredentials": flow}, verifier, name=name, description=description)


def _flow(scopes: Mapping[str, str] | None, refresh_url: str, **urls: str) -> dict[str, Any]:
    return {**urls, **({"refreshUrl": refresh_url} if refresh_url else {}), "scopes": dict(scopes or {})}
