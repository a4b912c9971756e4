"""The table of endpoints, and their common behaviour: methods, CORS, 404, 405, 503."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from authmw.engine import audit
from authmw.errors import ConfigurationError, Unavailable
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.cookies import CookieSessions, CookieSettings, login, logout, refresh
from authmw.oauth2.documents import ServerMetadata, jwks, metadata
from authmw.oauth2.introspect import TokenIntrospection, introspect
from authmw.oauth2.paths import WELL_KNOWN
from authmw.oauth2.reply import Headers, empty_response, method_not_allowed, no_such_endpoint, unavailable
from authmw.oauth2.revoke import RevocationEndpoint, revoke
from authmw.oauth2.sessions import SessionStores
from authmw.oauth2.token import TokenGrants, token

# RFC 9700 §2.6: a client in a browser makes requests from its own origin. No endpoint with CORS authenticates by what a
# browser adds by itself, so any origin may, and Access-Control-Allow-Credentials (Fetch §3.2.2) is never sent.
_ANY_ORIGIN: Final[Headers] = (("Access-Control-Allow-Origin", "*"),)
_PREFLIGHT_SECONDS: Final = 600


class AuthorizationServer(
    TokenGrants, RevocationEndpoint, TokenIntrospection, CookieSessions, SessionStores, ServerMetadata, Protocol
):
    """All that the endpoints need: a `TokenService`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint at one path.

    Args:
        respond: makes the response to a request by one of `methods`.
        methods: all but OPTIONS, which every endpoint has.
        cors: whether scripts of other origins may read the response.
    """

    respond: Callable[[AuthorizationServer, RequestHead], Flow[Response]]
    methods: tuple[str, ...] = ("POST",)
    cors: bool = True


_READ: Final = ("GET", "HEAD")

ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/token": Endpoint(token),
    "/revoke": Endpoint(revoke),
    "/introspect": Endpoint(introspect, cors=False),
    "/jwks.json": Endpoint(jwks, _READ),
    WELL_KNOWN: Endpoint(metadata, _READ),
}
"""Every path, below the issuer's own."""

COOKIE_ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/login": Endpoint(login, cors=False),
    "/refresh": Endpoint(refresh, cors=False),
    "/logout": Endpoint(logout, cors=False),
}
"""The paths of cookie mode. Scripts of other origins may not use them."""


def check_service(service: object, mount: str) -> None:
    """Check what an adapter was given as a token service.

    Args:
        service: the argument.
        mount: the function that got it, for the message.

    Raises:
        ConfigurationError: it is none.
    """
    if not hasattr(service, "grant_types"):
        given = service.__name__ if isinstance(service, type) else type(service).__name__
        raise ConfigurationError(
            f"{given} is no token service: write {mount}(service), where service = TokenService(...)"
        )


def endpoints_of(service: CookieSettings) -> dict[str, Endpoint]:
    """The endpoints of `service`, by path."""
    return ENDPOINTS if service.cookies is None else {**ENDPOINTS, **COOKIE_ENDPOINTS}


def respond(service: AuthorizationServer, request: RequestHead, path: str) -> Flow[Response]:
    """The response to a request for `path`."""
    endpoint = endpoints_of(service).get(path)
    if endpoint is None:
        return no_such_endpoint().response()
    if request.method in endpoint.methods:
        try:
            response = yield from endpoint.respond(service, request)
        except Unavailable as error:
            audit.unavailable(error, request)
            response = unavailable(error.retry_after).response()
    elif request.method == "OPTIONS":
        response = _options(endpoint, request)
    else:
        response = method_not_allowed(*endpoint.methods, "OPTIONS").response()
    if not endpoint.cors:
        return response
    return Response(response.status, (*response.headers, *_ANY_ORIGIN), response.body)


def _options(endpoint: Endpoint, request: RequestHead) -> Response:
    """The allowed methods (RFC 9110 §9.3.7), and for a preflight the allowed headers (Fetch §3.2.3)."""
    methods = ", ".join((*endpoint.methods, "OPTIONS"))
    allowed: Headers = (("Allow", methods),)
    if endpoint.cors and request.is_preflight:
        allowed += (
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
            ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS)),
        )
    return empty_response(status=204, headers=allowed)
