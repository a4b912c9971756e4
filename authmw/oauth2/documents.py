"""Public documents of the token service: its metadata (RFC 8414) and its keys (RFC 7517 §5).

The metadata states what is mounted and nothing else. There is no authorization endpoint, so that
``response_types_supported`` would be an empty array: RFC 8414 §2 requires the member and §3.2 requires that empty
arrays are left out, which is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from authmw.crypto.jose.algorithms import ASYMMETRIC
from authmw.crypto.keyring import KeyRing
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.paths import WELL_KNOWN
from authmw.oauth2.reply import Headers, empty_response, json_response, no_such_endpoint

MAX_AGE: Final = 300
"""Seconds that a document may be cached: a new key has to be published so long before it signs (OpenID Connect Core
§10.1.1)."""

_CONFIDENTIAL: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_ANY: Final = (*_CONFIDENTIAL, "none")


class ServerMetadata(Protocol):
    """What an authorization server publishes about itself."""

    @property
    def issuer(self) -> str:
        """The issuer."""
        ...

    @property
    def keys(self) -> KeyRing | None:
        """Signs access tokens; None where they are opaque."""
        ...

    @property
    def scopes(self) -> Mapping[str, str] | None:
        """Every scope there is, with what it means; None for no such list."""
        ...

    @property
    def grant_types(self) -> tuple[str, ...]:
        """The grants that are offered."""
        ...

    def url(self, path: str, /) -> str:
        """The URL of an endpoint."""
        ...


def metadata(service: ServerMetadata, request: RequestHead) -> Flow[Response]:
    """The metadata. Its issuer is the configured one to the byte (RFC 8414 §3.3)."""
    yield from ()
    return _document(request, _members(service))


def jwks(service: ServerMetadata, request: RequestHead) -> Flow[Response]:
    """The public halves of all keys of the ring, also of those that sign no more. Opaque tokens have none: 404."""
    yield from ()
    if service.keys is None:
        return no_such_endpoint().response()
    return _document(request, service.keys.jwks())


def metadata_path(issuer: str) -> str:
    """The path of the metadata of `issuer`: at the root of its host, its own path after the well-known one.

    The endpoints are below the issuer's path, and so that is outside of where they are mounted. Serve there too what
    the token service answers for `authmw.oauth2.paths.WELL_KNOWN`.

    >>> metadata_path("https://example.com"), metadata_path("https://example.com/auth/")
    ('/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/auth')
    """
    # RFC 8414 §3.1: "any terminating '/' MUST be removed before inserting".
    return WELL_KNOWN + urlsplit(issuer).path.rstrip("/")


def _members(service: ServerMetadata) -> dict[str, Any]:
    """The members of the metadata (RFC 8414 §2)."""
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
        # A client signs its assertions with its private key: a secret's algorithm is never one of these, nor is none.
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ASYMMETRIC),
    }


def _document(request: RequestHead, members: Mapping[str, Any]) -> Response:
    """`members` as JSON, or a 304 for a client that has them already (RFC 9110 §13.1.2)."""
    response = json_response(members, headers=(("Cache-Control", f"public, max-age={MAX_AGE}"),))
    tag = f'"{sha256(response.body).hexdigest()[:32]}"'
    if _matches(request.header("if-none-match"), tag):
        caching: Headers = (("Cache-Control", f"public, max-age={MAX_AGE}"), ("ETag", tag))
        return empty_response(status=304, headers=caching)
    return Response(response.status, (*response.headers, ("ETag", tag)), response.body)


def _matches(condition: str | None, tag: str) -> bool:
    """Whether `tag` is among the entity tags of ``If-None-Match``, compared weakly.

    >>> _matches('W/"a", "b"', '"a"'), _matches("*", '"a"'), _matches('"a', '"a"'), _matches(None, '"a"')
    (True, True, False, False)
    """
    tags = (each.strip(" \t").removeprefix("W/") for each in (condition or "").split(","))
    return any(each in ("*", tag) for each in tags)
