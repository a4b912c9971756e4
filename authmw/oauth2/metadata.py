"""What this authorization server can do, as clients read it before they ask (RFC 8414).

Stated is what answers, and nothing else. There is no authorization endpoint, so that ``response_types_supported``
would be an empty array: §2 requires the member and §3.2 requires that empty arrays are left out, which is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.documents import document
from authmw.oauth2.paths import WELL_KNOWN

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService

_CONFIDENTIAL: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_ANY: Final = (*_CONFIDENTIAL, "none")
# A client signs its assertions with its private key: a secret's algorithm is never one of these, nor is none.
_SIGNING: Final = tuple(name for name, algorithm in ALGORITHMS.items() if algorithm.kty != "oct")


def metadata(service: TokenService, request: RequestHead) -> Flow[Response]:
    """The document, which begins with the issuer to the byte (§3.3)."""
    yield from ()
    return document(request, members(service))


def metadata_path(issuer: str) -> str:
    """Where clients look for the document of `issuer`: at the root of its host, its own path after the well-known one.

    The endpoints are below the issuer's path, and so that is outside of where they are mounted. Serve there too what
    the token service answers for `authmw.oauth2.paths.WELL_KNOWN`.

    >>> metadata_path("https://example.com"), metadata_path("https://example.com/auth/")
    ('/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/auth')
    """
    # §3.1: "any terminating '/' MUST be removed before inserting".
    return WELL_KNOWN + urlsplit(issuer).path.rstrip("/")


def members(service: TokenService) -> dict[str, Any]:
    """The members of the document (§2)."""
    stated: dict[str, Any] = {
        "issuer": service.issuer,
        "token_endpoint": service.url("/token"),
        "jwks_uri": None if service.keys is None else service.url("/jwks.json"),
        "scopes_supported": sorted(service.scopes or ()),
        # Always: left out, it would mean authorization codes and implicit grants.
        "grant_types_supported": list(service.grant_types),
        **_authentication("token", _ANY),
        "revocation_endpoint": service.url("/revoke"),
        **_authentication("revocation", _ANY),
        "introspection_endpoint": service.url("/introspect"),
        **_authentication("introspection", _CONFIDENTIAL),
    }
    return {name: value for name, value in stated.items() if value}


def _authentication(endpoint: str, methods: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": list(methods),
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(_SIGNING),
    }
