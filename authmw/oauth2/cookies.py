"""Cookie mode: the tokens of an application's own pages, in cookies that no script can read.

The pages post to ``/login``, ``/refresh`` and ``/logout``. No response body holds a token; a script learns for how long
and for which scopes the user is logged in. A request from another site is refused, for ``/login`` too: otherwise an
attacker's page could log a user in to the attacker's account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import urlsplit

from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.http.cookies import cookies_named
from authmw.http.origin import is_from
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.http.set_cookie import clearing
from authmw.oauth2.access_tokens import Issued
from authmw.oauth2.audit import Decision
from authmw.oauth2.client_authentication import find_client
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.form import read_form
from authmw.oauth2.password import PasswordLogin, password
from authmw.oauth2.paths import COOKIE_PATHS
from authmw.oauth2.refresh import SessionRenewal, refresh_session
from authmw.oauth2.reply import Headers, OAuthError, empty_response, invalid_grant, invalid_request, json_response
from authmw.oauth2.revoke import TokenRevocation, revoke_token
from authmw.schemes.token_cookie import TokenCookie
from authmw.stores.records import Client
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.token import TokenVerifier

_LONGEST: Final = 4000
"""Octets of a cookie's name and value together: browsers drop a cookie of more than 4096, attributes included."""
_MOST_ENDED: Final = 2


class CookieSettings(Protocol):
    """The configuration of cookie mode."""

    @property
    def cookies(self) -> CookieMode | None:
        """Cookie mode; None where it is off."""
        ...


class CookieTokens(CookieSettings, Protocol):
    """What tokens in cookies are verified with."""

    @property
    def issuer(self) -> str:
        """The URL below which the endpoints are."""
        ...

    def verifier(self) -> JWTVerifier | TokenVerifier:
        """The verifier of access tokens."""
        ...


class CookieSessions(CookieSettings, PasswordLogin, SessionRenewal, TokenRevocation, Protocol):
    """What the sessions of pages are begun, refreshed and ended with."""

    @property
    def first_party(self) -> str:
        """The ``client_id`` of the first-party application."""
        ...


def token_cookie(service: CookieTokens, *, path: str | None = None) -> TokenCookie:
    """The scheme for the cookies of `login`: ``Auth(HTTPBearer(service.verifier()) | token_cookie(service))``.

    Args:
        service: the token service.
        path: the path of its endpoints in the guarded application, below ``SCRIPT_NAME`` or ``root_path``; the
            issuer's path by default. There the cookie is not read: a token that was revoked elsewhere must not prevent
            a new login.

    Raises:
        ConfigurationError: the service has no `CookieMode`.
    """
    mode = _mode(service)
    above = (urlsplit(service.issuer).path if path is None else path).rstrip("/")
    open_to = [above + each for each in COOKIE_PATHS]
    return TokenCookie(service.verifier(), origins=mode.origins, cookie=mode.access, open_to=open_to)


def login(service: CookieSessions, request: RequestHead) -> Flow[Response]:
    """Log in by the form's username and password, and set both cookies. The previous session ends."""
    return (yield from _respond("login", service, request, _log_in))


def refresh(service: CookieSessions, request: RequestHead) -> Flow[Response]:
    """Refresh as the token endpoint does, and set both cookies. The body is not read."""
    return (yield from _respond("refresh", service, request, _refresh))


def logout(service: CookieSessions, request: RequestHead) -> Flow[Response]:
    """End the session and clear both cookies; the same again without a session. The body is not read."""
    return (yield from _respond("logout", service, request, _log_out))


_Step = Callable[[CookieSessions, RequestHead, Client], Flow[Issued | OAuthError | None]]
"""The work of one endpoint: its result is tokens for the cookies, or None to clear them."""


def _respond(name: str, service: CookieSessions, request: RequestHead, step: _Step) -> Flow[Response]:
    mode, decision = _mode(service), Decision(name, request)
    result: Issued | OAuthError | None
    if is_from(request, mode.origins):
        result = yield from _as_first_party(service, request, step)
    else:
        result = OAuthError("access_denied", "Cross-site requests are not accepted.", 403)
    if isinstance(result, OAuthError):
        response = decision.refused(result)
        if result.error == "invalid_grant" and step is _refresh:
            response = _with(response, _cleared(mode))  # no token in them is valid any more
    elif result is None:
        decision.completed("ended")
        response = empty_response(status=204, headers=_cleared(mode))
    else:
        grant = result.grant
        decision.issued(grant)
        response = json_response(
            {"expires_in": result.expires_in, "scope": grant.scope}, headers=_filled(service, mode, result)
        )
    return _with(response, (("Vary", "Cookie"),))


def _as_first_party(service: CookieSessions, request: RequestHead, step: _Step) -> Flow[Issued | OAuthError | None]:
    """Do `step` for the first-party application, whose pages these are."""
    client = (yield from find_client(service, service.first_party)) or service.own_client
    if client.disabled or "password" not in client.grant_types:
        return OAuthError("unauthorized_client", "The client may not use this grant type.")
    return (yield from step(service, request, client))


def _log_in(service: CookieSessions, request: RequestHead, client: Client) -> Flow[Issued | OAuthError]:
    form = yield from read_form(request)
    if isinstance(form, OAuthError):
        return form
    issued = yield from password(service, request, form, client, room=_room(service))
    if isinstance(issued, Issued):
        # The login replaces the cookies of the previous session, so that session ends.
        yield from _end_presented(service, request, client)
    return issued


def _refresh(service: CookieSessions, request: RequestHead, client: Client) -> Flow[Issued | OAuthError]:
    values = cookies_named(request, _mode(service).refresh)
    if not values:
        return invalid_grant(detail="no cookie")
    token, *others = values
    if others:
        return invalid_request("The cookie was sent more than once.")
    return (yield from refresh_session(service, client, token, room=_room(service)))


def _log_out(service: CookieSessions, request: RequestHead, client: Client) -> Flow[None]:
    yield from _end_presented(service, request, client)


def _end_presented(service: CookieSessions, request: RequestHead, client: Client) -> Flow[None]:
    mode = _mode(service)
    for name in (mode.refresh, mode.access):
        for token in cookies_named(request, name)[:_MOST_ENDED]:
            yield from revoke_token(service, client, token)


def _mode(service: CookieSettings) -> CookieMode:
    if service.cookies is None:
        raise ConfigurationError("the service has no cookies: TokenService(..., cookies=CookieMode([...]))")
    return service.cookies


def _room(service: CookieSettings) -> int:
    return _LONGEST - len(_mode(service).access)


def _filled(service: CookieSessions, mode: CookieMode, issued: Issued) -> Headers:
    headers: Headers = (_cookie(mode.access, issued.access_token, issued.expires_in),)
    if issued.refresh_token is None:
        return headers
    ends_at, now = issued.grant.ends_at, service.clock()
    left = service.lifetimes.idle if ends_at is None else min(service.lifetimes.idle, int(ends_at - now))
    return (*headers, _cookie(mode.refresh, issued.refresh_token, left))


def _cleared(mode: CookieMode) -> Headers:
    return clearing(mode.access, same_site="Lax"), clearing(mode.refresh, same_site="Lax")


def _cookie(name: str, value: str, seconds: int) -> tuple[str, str]:
    """``Set-Cookie`` (RFC 6265 §4.1). ``__Host-`` asks for Secure and Path=/, and for no Domain (6265bis §4.1.3.2)."""
    return "Set-Cookie", f"{name}={value}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax"


def _with(response: Response, headers: Headers) -> Response:
    return replace(response, headers=(*response.headers, *headers))
