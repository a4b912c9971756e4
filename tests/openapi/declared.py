"""What several tests of documents declare, and how they are judged."""

from __future__ import annotations

from typing import Any, Final

from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    TrustedHeader,
)
from authmw.openapi.schemes import Version
from authmw.schemes.token_cookie import TokenCookie

READ: Final = "orders:read"
WRITE: Final = "orders:write"
VERSIONS: Final[tuple[Version, ...]] = ("3.1", "3.0", "2.0")
MARKS: Final[dict[Version, dict[str, str]]] = {
    "3.1": {"openapi": "3.1.1"},
    "3.0": {"openapi": "3.0.4"},
    "2.0": {"swagger": "2.0"},
}
_VALIDATORS: Final[dict[Version, Any]] = {
    "3.1": OpenAPIV31SpecValidator,
    "3.0": OpenAPIV30SpecValidator,
    "2.0": OpenAPIV2SpecValidator,
}


def every_scheme() -> Auth:
    """One of each kind."""
    return Auth(
        HTTPBasic(description="A password")
        | HTTPBearer(bearer_format="JWT")
        | HTTPDigest()
        | APIKeyHeader("X-Key")
        | APIKeyQuery("key")
        | APIKeyCookie("key")
        | TokenCookie(origins=["https://shop.example"])
        | TrustedHeader("X-User", proxies=["unix"])
        | OpenIdConnect("https://op.example/.well-known/openid-configuration")
        | OAuth2PasswordBearer("https://shop.example/token", refresh_url="https://shop.example/token")
        | OAuth2ClientCredentialsBearer("https://shop.example/token")
        | OAuth2AuthorizationCodeBearer("https://op.example/authorize", "https://op.example/token")
        | OAuth2({"implicit": {"authorizationUrl": "https://op.example/authorize"}}, name="Implicit")
        | OAuth2({}, name="NoFlow"),
        scopes={READ: "See orders"},
    )


def made(version: Version, paths: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A document as a generator made it."""
    return {**MARKS[version], "info": {"title": "Shop", "version": "1"}, "paths": paths, **members}


def operation(**members: Any) -> dict[str, Any]:
    """An operation as a generator made it."""
    return {"responses": {"200": {"description": "fine"}}, **members}


def mistakes_in(document: dict[str, Any], version: Version) -> list[str]:
    """What the specification of that version has against a document."""
    return [str(error.message) for error in _VALIDATORS[version](document).iter_errors()]
