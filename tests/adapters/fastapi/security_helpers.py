"""What the tests of the drop-ins share: an application with one scheme, and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from authmw_fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
)
from authmw_fastapi.security.http import HTTPBase
from fastapi import FastAPI, Security
from fastapi.encoders import jsonable_encoder
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

Headers = Sequence[tuple[str, str]]

MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    "HTTPBase": partial(HTTPBase, scheme="other"),
    "HTTPBasic": HTTPBasic,
    "HTTPBearer": HTTPBearer,
    "HTTPDigest": HTTPDigest,
    "APIKeyHeader": partial(APIKeyHeader, name="X-Key"),
    "APIKeyQuery": partial(APIKeyQuery, name="key"),
    "APIKeyCookie": partial(APIKeyCookie, name="key"),
    "OAuth2": OAuth2,
    "OAuth2PasswordBearer": partial(OAuth2PasswordBearer, "token"),
    "OAuth2AuthorizationCodeBearer": partial(OAuth2AuthorizationCodeBearer, "login", "token"),
    "OAuth2ClientCredentialsBearer": partial(OAuth2ClientCredentialsBearer, "token"),
    "OpenIdConnect": partial(OpenIdConnect, openIdConnectUrl="/openid"),
}
"""How each scheme is made, with ``scheme_name``, ``description`` and ``auto_error`` left open."""

BEARERS: Final = (
    "HTTPBearer",
    "OAuth2PasswordBearer",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
)
"""The schemes that read a bearer token."""

IN_AUTHORIZATION: Final = tuple(name for name in MAKERS if not name.startswith("APIKey"))
"""The schemes that read the ``Authorization`` header."""

REFUSED: Final = "refused"
"""What `read` returns for an error of the scheme."""


def connection(headers: Headers = (), query: str = "", kind: str = "http") -> HTTPConnection:
    """A connection as a server hands it over, with `headers`, which may be there more than once."""
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return HTTPConnection({"type": kind, "method": "GET", "headers": lines, "query_string": query.encode()})


def read(scheme: Any, headers: Headers = (), query: str = "", kind: str = "http") -> Any:
    """What `scheme` makes of a request, as JSON has it; `REFUSED` when it raises its 401."""
    try:
        found = asyncio.run(scheme(connection(headers, query, kind)))
    except HTTPException as error:
        if error.status_code != 401 or error.headers != scheme.make_not_authenticated_error().headers:
            raise
        return REFUSED
    return jsonable_encoder(found)


def app_of(scheme: Callable[..., Any]) -> FastAPI:
    """An application with one operation, which returns what `scheme` found."""
    app = FastAPI()

    def operation(found: Any = Security(scheme, scopes=["orders:read"])) -> Any:  # noqa: B008 - as FastAPI has it
        return jsonable_encoder(found)

    app.get("/")(operation)
    return app


def document_of(scheme: Callable[..., Any]) -> dict[str, Any]:
    """The OpenAPI document of `app_of`."""
    return app_of(scheme).openapi()
