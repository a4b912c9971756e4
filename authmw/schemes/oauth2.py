"""OAuth 2 schemes of OpenAPI: bearer tokens, with the URLs where clients get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authmw.errors import explains_arguments
from authmw.identity.credentials import BearerToken
from authmw.identity.scopes import checked_scopes
from authmw.schemes.http_bearer import BearerScheme
from authmw.verifiers.base import Lookup, Verifier

BearerVerifier = Verifier[BearerToken] | Lookup | None
"""Verifier of an OAuth 2 scheme: a verifier, a function from the token to a principal, or None."""


class OAuth2(BearerScheme):
    """A bearer token, with a description of any OAuth 2 flows.

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


@explains_arguments('OAuth2PasswordBearer("auth/token", service.verifier())')
class OAuth2PasswordBearer(OAuth2):
    """A bearer token for user name and password (RFC 6749 §4.3). Only for first-party applications.

    Args:
        token_url: the token endpoint; relative to the root of the application.
        verifier: verifies the token.
        scopes: each scope with its description.
        refresh_url: the endpoint for refresh tokens, if it is another one.

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


@explains_arguments('OAuth2AuthorizationCodeBearer("https://...", "https://...", JWTVerifier(...))')
class OAuth2AuthorizationCodeBearer(OAuth2):
    """A bearer token from the login page of an authorization server (RFC 6749 §4.1).

    Args:
        authorization_url: the authorization endpoint of the server.
        token_url: its token endpoint.
        verifier: verifies the token.
        scopes: each scope with its description.
        refresh_url: the endpoint for refresh tokens, if it is another one.
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


@explains_arguments('OAuth2ClientCredentialsBearer("auth/token", service.verifier())')
class OAuth2ClientCredentialsBearer(OAuth2):
    """A bearer token that a client got for itself (RFC 6749 §4.4).

    Args:
        token_url: the token endpoint.
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
