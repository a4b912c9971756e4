"""A cookie that authenticates nobody counts as absent: public pages are served, and the answer clears it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any, Final

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.test import Client as WSGIClient

import authmw.asgi
import authmw.wsgi
from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    Auth,
    ConfigurationError,
    HTTPBearer,
    JWTVerifier,
    KeyRing,
    Principal,
    current_principal,
    issue,
    optionally_authenticated,
    public,
)
from authmw.engine.authentication import PRIVATE, Authentication
from authmw.http.refusal import Refusal
from authmw.identity.requirement import AUTHENTICATED, PUBLIC
from authmw.oauth2 import TokenCookie
from authmw.schemes.base import Alternatives
from tests.requests import asgi_request, wsgi_request

ORIGIN: Final = "https://shop.example"
CLEARED: Final = "__Host-access=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
KEYS, OTHER_KEYS = KeyRing.generate(), KeyRing.generate()
NOW: Final = 1_700_000_000.0


def _token(keys: KeyRing = KEYS, at: float = NOW, issuer: str = "i", audience: str = "a") -> str:
    return issue("alice", keys=keys, clock=lambda: at, issuer=issuer, audience=audience)


def _session(**options: Any) -> TokenCookie:
    verifier = JWTVerifier(KEYS, issuer="i", audience="a", clock=lambda: NOW)
    return TokenCookie(verifier, origins=[ORIGIN], **options)


def _other_session() -> TokenCookie:
    """A scheme of the same cookie for another issuer."""
    verifier = JWTVerifier(OTHER_KEYS, issuer="other", audience="a", clock=lambda: NOW)
    return TokenCookie(verifier, origins=[ORIGIN], name="OtherCookie")


def _by_token(token: str) -> Principal | None:
    return Principal("bearer") if token == "good" else None


GOOD = _token()
DEAD: dict[str, str] = {
    "expired": _token(at=NOW - 10_000_000),
    "other keys": _token(OTHER_KEYS),
    "malformed": "no-token",
    "not a token": "a b",
    "empty": "",
    "opaque": "at_0123456789",
}
KEPT: dict[str, str] = {
    "another issuer": _token(issuer="other"),
    "another audience": _token(audience="other"),
    "not yet valid": _token(at=NOW + 10_000),
}

Ask = Callable[..., tuple[int, list[str], str]]
"""Asks for a path with headers: status, ``Set-Cookie`` lines and body."""


def _wsgi(auth: Auth, **options: Any) -> Ask:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        headers = [("Content-Type", "text/plain")]
        if environ["PATH_INFO"] == "/sets":
            headers.append(("Set-Cookie", "__Host-access=new; Path=/; Secure"))
        if environ["PATH_INFO"].startswith("/shared/"):
            headers.append(("Cache-Control", environ["PATH_INFO"][8:]))
        start_response("304 Not Modified" if environ["PATH_INFO"] == "/304" else "200 OK", headers)
        yield current_principal().id.encode() or b"nobody"

    return _asked(authmw.wsgi.AuthMiddleware(app, auth, **options))


def _asked(app: Any) -> Ask:
    def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, list[str], str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = WSGIClient(app, use_cookies=False).open(path, method=method, headers=named, buffered=True)
        return answer.status_code, answer.headers.getlist("Set-Cookie"), answer.text

    return ask


def _flask(auth: Auth, **options: Any) -> Ask:
    app = Flask("shop", static_folder=None)

    @app.get("/sets")
    def sets() -> Any:
        answer = app.make_response("new")
        answer.set_cookie("__Host-access", "new", secure=True)
        return answer

    for path in ("/", "/closed", "/304"):
        view = lambda path=path: ("", 304) if path == "/304" else current_principal().id or "nobody"  # noqa: E731
        app.add_url_rule(path, path.strip("/") or "front", view, methods=["GET", "POST"])
    app.add_url_rule("/marked", "marked", public(lambda: current_principal().id or "nobody"))
    app.add_url_rule("/optional", "optional", optionally_authenticated(lambda: current_principal().id or "nobody"))
    FlaskAuth(app, auth, **options)
    return _asked(app)


def _asgi_asked(app: Any) -> Ask:
    def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, list[str], str]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        lines = [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": lines}
        asyncio.run(app(scope, receive, send))
        set_cookies = [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]
        return sent[0]["status"], set_cookies, b"".join(each.get("body", b"") for each in sent[1:]).decode()

    return ask


def _asgi(auth: Auth, **options: Any) -> Ask:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"set-cookie", b"__Host-access=new; Path=/; Secure")] if scope["path"] == "/sets" else []
        if scope["path"].startswith("/shared/"):
            headers.append((b"cache-control", scope["path"][8:].encode()))
        await send(
            {
                "type": "http.response.start",
                "status": 304 if scope["path"] == "/304" else 200,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": current_principal().id.encode() or b"nobody"})

    return _asgi_asked(authmw.asgi.AuthMiddleware(app, auth, **options))


async def _endpoint(request: Request) -> PlainTextResponse:
    status = 304 if request.url.path == "/304" else 200
    answer = PlainTextResponse(current_principal().id or "nobody", status)
    if request.url.path == "/sets":
        answer.set_cookie("__Host-access", "new", secure=True)
    return answer


async def _optional(request: Request) -> PlainTextResponse:
    return PlainTextResponse(current_principal().id or "nobody")


def _starlette(auth: Auth, **options: Any) -> Ask:
    routes = [Route(path, _endpoint, methods=["GET", "POST"]) for path in ("/", "/sets", "/304", "/closed")]
    routes += [Route("/marked", public(_optional)), Route("/optional", optionally_authenticated(_optional))]
    app = Starlette(routes=routes)
    app.add_middleware(StarletteMiddleware, auth=auth, **options)
    return _asgi_asked(app)


def _fastapi(auth: Auth, **options: Any) -> Ask:
    app = FastAPI()
    FastAPIAuth(app, auth, **options)
    for path in ("/", "/sets", "/304", "/closed"):
        app.add_api_route(path, _endpoint, methods=["GET", "HEAD", "POST"])
    app.add_api_route("/marked", public(_optional))
    app.add_api_route("/optional", optionally_authenticated(_optional))
    return _asgi_asked(app)


INTERFACES: dict[str, Callable[..., Ask]] = {
    "wsgi": _wsgi,
    "asgi": _asgi,
    "flask": _flask,
    "starlette": _starlette,
    "fastapi": _fastapi,
}
ROUTED = ("flask", "starlette", "fastapi")
OPEN = ["/", "/304", "/sets"]
everywhere = pytest.mark.parametrize("interface", INTERFACES)


def _ask(interface: str, accept: Alternatives | None = None) -> Ask:
    auth = Auth(accept or (HTTPBearer(_by_token) | _session()))
    return INTERFACES[interface](auth, public=OPEN)


@everywhere
@pytest.mark.parametrize("name", DEAD)
def test_a_dead_cookie_is_cleared_by_public_and_closed_pages(interface: str, name: str) -> None:
    ask, cookie = _ask(interface), f"theme=dark; __Host-access={DEAD[name]}"
    for method in ("GET", "HEAD"):
        assert ask("/", method, Cookie=cookie)[:2] == (200, [CLEARED])
        status, cookies, _ = ask("/closed", method, Cookie=cookie)
        assert (status, cookies) == (401, [CLEARED])
    assert ask("/", Cookie=cookie)[2] == "nobody"
    assert ask("/304", Cookie=cookie)[:2] == (304, [CLEARED])


@everywhere
@pytest.mark.parametrize("name", KEPT)
def test_a_cookie_that_may_be_good_elsewhere_or_later_is_kept(interface: str, name: str) -> None:
    ask, cookie = _ask(interface), f"__Host-access={KEPT[name]}"
    assert ask("/", Cookie=cookie) == (200, [], "nobody")
    assert ask("/closed", Cookie=cookie)[:2] == (401, [])


@everywhere
def test_a_good_cookie_is_kept(interface: str) -> None:
    ask = _ask(interface)
    for path in ("/", "/closed"):
        assert ask(path, Cookie=f"__Host-access={GOOD}") == (200, [], "alice")


@everywhere
def test_from_another_site_a_cookie_counts_as_absent_and_is_kept(interface: str) -> None:
    ask = _ask(interface)
    sent = {"Cookie": f"__Host-access={GOOD}", "Sec_Fetch_Site": "cross-site"}
    assert ask("/", "POST", **sent) == (200, [], "nobody")
    status, cookies, body = ask("/closed", "POST", **sent)
    assert (status, cookies) == (401, [])
    assert "authmw.cross-site" in body


@everywhere
def test_two_cookies_of_the_name_count_as_absent(interface: str) -> None:
    ask = _ask(interface)
    for cookie in (f"__Host-access={GOOD}; __Host-access=other", f"__Host-access={GOOD}; =__Host-access=x"):
        assert ask("/", Cookie=cookie) == (200, [CLEARED], "nobody")
        assert ask("/closed", Cookie=cookie)[:2] == (400, [CLEARED])


@everywhere
def test_what_the_response_sets_is_not_cleared(interface: str) -> None:
    _, cookies, _ = _ask(interface)("/sets", Cookie="__Host-access=no-token")
    assert len(cookies) == 1
    assert cookies[0].startswith("__Host-access=new;")


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    "caching",
    ["public, max-age=60", "S-MaxAge=60", "max-age=3600", "must-revalidate, max-age=60", "immutable", "no-transform"],
)
def test_a_response_that_shared_caches_may_store_clears_nothing(interface: str, caching: str) -> None:
    ask = INTERFACES[interface](Auth(_session()), default="allow")
    assert ask(f"/shared/{caching}", Cookie="__Host-access=no-token")[:2] == (200, [])


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("caching", ["private, max-age=60", "max-age=60,Private", "no-store", "private"])
def test_a_response_that_no_shared_cache_may_store_clears_a_dead_cookie(interface: str, caching: str) -> None:
    ask = INTERFACES[interface](Auth(_session()), default="allow")
    assert ask(f"/shared/{caching}", Cookie="__Host-access=no-token")[:2] == (200, [CLEARED])


@pytest.mark.parametrize("interface", ROUTED)
@pytest.mark.parametrize("path", ["/marked", "/optional"])
def test_a_declaration_opens_a_page_as_a_pattern_does(interface: str, path: str) -> None:
    assert _ask(interface)(path, Cookie="__Host-access=no-token") == (200, [CLEARED], "nobody")


@everywhere
def test_a_header_beside_the_cookie_decides(interface: str) -> None:
    for accept in (HTTPBearer(_by_token) | _session(), _session() | HTTPBearer(_by_token)):
        ask = _ask(interface, accept)
        dead = {"Cookie": "__Host-access=no-token"}
        assert ask("/closed", Authorization="Bearer good", **dead)[::2] == (200, "bearer")
        assert ask("/", Authorization="Bearer good", **dead)[::2] == (200, "bearer")
        for bad in ("Bearer bad", "Basic YTpi", "Bearer"):
            assert ask("/", Authorization=bad, **dead)[0] == 401
            assert ask("/closed", Authorization=bad, **dead)[0] == 401


@everywhere
def test_an_unknown_key_in_a_cookie_is_cleared_with_its_path_and_domain(interface: str) -> None:
    def lookup(key: str) -> Principal | None:
        return Principal("alice") if key == "good" else None

    ask = _ask(interface, APIKeyCookie("key", lookup, path="/api", domain="shop.example"))
    cleared = ["key=; Max-Age=0; Path=/api; Domain=shop.example; HttpOnly"]
    assert ask("/", Cookie="key=bad") == (200, cleared, "nobody")
    assert ask("/closed", Cookie="key=bad")[:2] == (401, cleared)
    assert ask("/closed", Cookie="key=good") == (200, [], "alice")


@everywhere
def test_a_store_that_is_down_clears_nothing(interface: str) -> None:
    def lookup(key: str) -> Principal | None:
        raise OSError

    ask = _ask(interface, APIKeyCookie("key", lookup))
    assert ask("/", Cookie="key=any")[:2] == (503, [])


@everywhere
def test_a_cookie_of_another_name_is_not_touched(interface: str) -> None:
    assert _ask(interface)("/", Cookie="__Host-other=no-token; access=x") == (200, [], "nobody")


def _key(key: str) -> Principal | None:
    return Principal("key") if key == "good" else None


def _authenticate(auth: Auth, **headers: str) -> Authentication | Refusal:
    return auth.authenticate(wsgi_request(**headers))


def test_a_cookie_that_another_scheme_takes_is_not_cleared() -> None:
    accept = _session() | APIKeyCookie("__Host-access", _key)
    found = _authenticate(Auth(accept), cookie="__Host-access=good")
    assert isinstance(found, Authentication)
    assert (found.principal.id, found.headers) == ("key", (PRIVATE,))


def _keys(*names: str) -> list[APIKeyCookie]:
    """Schemes of cookies with these names; only the key "good" is good."""
    return [APIKeyCookie(name, _key, name=f"{name}-{at}") for at, name in enumerate(names)]


@everywhere
def test_of_two_dead_cookies_the_first_is_told_and_both_are_cleared(interface: str) -> None:
    first, second = _keys("first", "second")
    found = _authenticate(Auth(first | second), cookie="first=bad; second=bad")
    assert isinstance(found, Authentication)
    assert found.dead_cookie is not None
    assert found.dead_cookie.scheme is first
    ask = _ask(interface, first | second)
    both = ["first=; Max-Age=0; Path=/; HttpOnly", "second=; Max-Age=0; Path=/; HttpOnly"]
    for cookie, cleared in (
        ("first=bad; second=bad", both),
        ("first=bad", both[:1]),
        ("second=bad", both[1:]),
        ("third=bad", []),
    ):
        assert ask("/", Cookie=cookie) == (200, cleared, "nobody")
        assert ask("/closed", Cookie=cookie)[:2] == (401, cleared)


@everywhere
def test_a_dead_cookie_is_cleared_beside_a_good_one(interface: str) -> None:
    first, second, third = _keys("first", "second", "third")
    ask = _ask(interface, first | second | third)
    cookie = "first=bad; second=good; third=bad"
    cleared = ["first=; Max-Age=0; Path=/; HttpOnly"]
    assert ask("/closed", Cookie=cookie) == (200, cleared, "key"), "the third was not asked"


def test_a_dead_cookie_is_cleared_beside_a_bad_header() -> None:
    found = _authenticate(Auth(_keys("first")[0] | APIKeyHeader("X-Key", _key)), cookie="first=bad", x_key="bad")
    assert isinstance(found, Refusal)
    assert found.headers == (("Set-Cookie", "first=; Max-Age=0; Path=/; HttpOnly"),)


def test_of_parts_that_are_needed_together_those_that_were_not_asked_keep_their_cookies() -> None:
    first, second, third = _keys("first", "second", "third")
    accept = (first & second) | third
    for cookie, cleared in (
        ("first=bad; second=bad; third=bad", ["first", "third"]),
        ("first=good; second=bad; third=bad", ["second", "third"]),
        ("first=bad; second=good", ["first"]),
    ):
        assert _cleared(_authenticate(Auth(accept), cookie=cookie)) == cleared


def _cleared(found: Authentication | Refusal) -> list[str]:
    return [value.partition("=")[0] for name, value in found.headers if name == "Set-Cookie"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_cookie_that_two_schemes_read_is_cleared_if_it_is_dead_for_both(order: tuple[int, int]) -> None:
    schemes: list[Alternatives] = [_session(), _other_session()]
    auth = Auth(schemes[order[0]] | schemes[order[1]])
    for token, cleared in (
        ("no-token", ["__Host-access"]),
        (_token(OTHER_KEYS, issuer="other"), []),
        (KEPT["not yet valid"], []),
        (GOOD, []),
    ):
        assert _cleared(_authenticate(auth, cookie=f"__Host-access={token}")) == cleared


def test_a_cookie_is_kept_that_a_scheme_reads_which_was_not_asked() -> None:
    first, second, third = _keys("key", "other", "key")
    auth = Auth(first | second | third)
    assert _cleared(_authenticate(auth, cookie="key=bad; other=good")) == []
    assert _cleared(_authenticate(auth, cookie="key=bad; other=bad")) == ["key", "other"]


@pytest.mark.parametrize("order", [0, 1])
def test_of_two_parts_that_are_needed_a_cookie_alone_counts_as_absent(order: int) -> None:
    parts = (_session(), APIKeyHeader("X-Key", _key))
    auth = Auth(parts[order] & parts[1 - order])

    def is_served(requirement: Any, **headers: str) -> bool:
        found = _authenticate(auth, **headers)
        if isinstance(found, Refusal):
            return False
        return not found.presented and not isinstance(auth.decide(found, requirement, wsgi_request()), Refusal)

    good, dead = f"__Host-access={GOOD}", "__Host-access=no-token"
    assert is_served(AUTHENTICATED, cookie=good, x_key="good")
    for cookie in (good, dead):
        assert is_served(PUBLIC, cookie=cookie)
        assert not is_served(AUTHENTICATED, cookie=cookie)
        assert not is_served(PUBLIC, cookie=cookie, x_key="bad")
    for headers in ({"x_key": "good"}, {"x_key": "good", "cookie": dead}):
        assert not is_served(PUBLIC, **headers)  # rule 3 for the header
        assert not is_served(AUTHENTICATED, **headers)


def test_the_order_of_alternatives_makes_no_difference_to_a_dead_cookie() -> None:
    schemes: list[Alternatives] = [HTTPBearer(_by_token), _session(), APIKeyHeader("X-Key", _key)]
    for order in permutations(schemes):
        auth = Auth(order[0] | order[1] | order[2])
        for headers, who in (({}, ""), ({"x_key": "good"}, "key"), ({"authorization": "Bearer good"}, "bearer")):
            found = _authenticate(auth, cookie="__Host-access=no-token", **headers)
            assert isinstance(found, Authentication)
            assert found.principal.id == who
        assert isinstance(_authenticate(auth, cookie="__Host-access=no-token", x_key="bad"), Refusal)


def test_the_log_says_why_the_cookie_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "authmw.audit")
    _ask("wsgi")("/closed", Cookie=f"__Host-access={DEAD['expired']}")
    assert "code=authmw.token-expired" in caplog.text


@pytest.mark.parametrize("accepts", [True, False])
def test_a_websocket_clears_it_too(accepts: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "headers": [(b"x", b"y")]})

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    guarded = authmw.asgi.AuthMiddleware(app, Auth(_session()), public=["/open"])
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/open" if accepts else "/closed",
        "query_string": b"",
        "headers": [(b"cookie", b"__Host-access=no-token"), (b"sec-fetch-site", b"same-origin")],
        "extensions": {"websocket.http.response": {}},
    }
    asyncio.run(guarded(scope, receive, send))
    assert sent[0]["type"] == ("websocket.accept" if accepts else "websocket.http.response.start")
    assert (b"set-cookie", CLEARED.encode()) in sent[0]["headers"]


def test_asgi_authenticates_as_wsgi_does() -> None:
    auth = Auth(_session())
    found = asyncio.run(auth.authenticate_async(asgi_request(cookie="__Host-access=no-token")))
    assert isinstance(found, Authentication)
    assert found.headers == (("Set-Cookie", CLEARED), PRIVATE)


@pytest.mark.parametrize(
    "name, options",
    [
        ("key", {"path": "api"}),
        ("key", {"path": "/;x"}),
        ("key", {"path": "/\r\n"}),
        ("key", {"domain": "a;b"}),
        ("key", {"domain": "a\n"}),
        ("__Host-key", {"path": "/api"}),
        ("__host-key", {"domain": "shop.example"}),
    ],
)
def test_a_path_or_a_domain_that_no_cookie_has_is_refused_at_start_up(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        APIKeyCookie(name, **options)
