"""Browser sessions that a process remembers: which requests their cookie alone decides about, and what they get."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal, Session, current_principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.cookies import cookies_named, only_value
from authmw.http.request import RequestHead
from authmw.http.target import MAX_SEARCHED
from authmw.identity.credentials import SessionValue
from authmw.identity.validity import Ending
from authmw.identity.verdict import Rejected
from authmw.stores.records import Revocation
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.requests import asgi_request, wsgi_request
from tests.schemes.test_session import ORIGIN, Bench

NAME = "__Host-session"
Answer = tuple[int, str, list[tuple[str, str]]]
"""Status, body and headers."""
Headers = list[tuple[str, str]]
PARTS = ["__Host-session", "=", "; ", ";", " ", "\t", "a", "a=b", '"', "__Host-session=v", "__host-session=v", "é"]


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
@example("__Host-session=v; =__Host-session=w")
@example("=__Host-session=v")
@example(f"{NAME}=v; a={'b' * MAX_SEARCHED}")
def test_a_quick_look_finds_nothing_that_a_closer_look_does_not(header: str) -> None:
    found = only_value(header.encode("latin-1"), NAME.encode())
    named = cookies_named(wsgi_request(cookie=header), NAME)
    if found is not None and found.startswith(b"="):
        assert (found[1:].decode("latin-1").strip(" \t"),) == named
    if header.startswith(f"{NAME}=v; a={'b' * 9}"):
        assert found is None


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.ask()
    assert made.asked == ["find_session", "find_by_id"]
    yield made
    made.feed.close()


def by_wsgi(
    auth: Auth,
    headers: Headers,
    method: str = "GET",
    answered: Headers | None = None,
    path: str = "/orders",
    **options: Any,
) -> Answer:
    environ = {**wsgi_request(method=method).environ, "PATH_INFO": path, "QUERY_STRING": ""}
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    started: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", list(answered or []))
        return [f"{environ['authmw.principal'].id} {environ.get('HTTP_COOKIE')}".encode()]

    def start(*args: Any) -> Any:
        started.append(args)

    body = b"".join(WSGIMiddleware(app, auth, **options)(environ, start))
    status, sent = started[0][:2]
    return int(status[:3]), body.decode(), sent


def by_asgi(
    auth: Auth,
    headers: Headers,
    method: str = "GET",
    answered: Headers | None = None,
    path: str = "/orders",
    **options: Any,
) -> Answer:
    scope = {**asgi_request(method=method).scope, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers]
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
        given = [(name.encode(), value.encode()) for name, value in answered or []]
        await send({"type": "http.response.start", "status": 200, "headers": given})
        body = f"{current_principal().id} {cookies[0] if cookies else None}".encode()
        await send({"type": "http.response.body", "body": body})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(ASGIMiddleware(app, auth, **options)(scope, receive, send))
    answer = [(name.decode().title(), value.decode()) for name, value in sent[0]["headers"]]
    return sent[0]["status"], sent[1]["body"].decode(), answer


both_ways = pytest.mark.parametrize("ask", [by_wsgi, by_asgi])
Ask = Callable[..., Answer]


def cookie(bench: Bench) -> tuple[str, str]:
    return "cookie", f"theme=dark; {NAME}={bench.token.text}"


@both_ways
def test_a_session_that_was_seen_asks_no_store_and_stays_out_of_shared_caches(bench: Bench, ask: Ask) -> None:
    own = [("sec-fetch-site", "same-origin"), ("origin", "https://any.example")]
    for method, more in (("GET", []), ("HEAD", []), ("OPTIONS", []), ("POST", own), ("DELETE", own)):
        status, body, headers = ask(bench.auth, [cookie(bench), *more], method)
        assert (status, body.split()[0]) == (200, "7")
        assert headers == [("Vary", "Cookie, Authorization"), ("Cache-Control", "private")]
    assert ask(bench.auth, [cookie(bench)], answered=[("CACHE-CONTROL", "no-store")])[2] == [
        *([("CACHE-CONTROL", "no-store")] if ask is by_wsgi else [("Cache-Control", "no-store")]),
        ("Vary", "Cookie, Authorization"),
    ]
    assert bench.asked == []


@both_ways
@pytest.mark.parametrize("method, more", [("GET", []), ("POST", [("sec-fetch-site", "same-origin")])])
def test_the_cookie_of_a_session_that_was_seen_is_not_judged_anew(
    bench: Bench, ask: Ask, method: str, more: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(request: RequestHead) -> None:
        pytest.fail("judged anew")

    for name in ("authenticate", "authenticate_async"):
        monkeypatch.setattr(bench.auth, name, judge)
    assert ask(bench.auth, [cookie(bench), *more], method)[0] == 200


@pytest.mark.parametrize("origin, answer", [(ORIGIN, "websocket.accept"), ("https://evil.example", "websocket.close")])
def test_a_websocket_without_an_upgrade_header_needs_an_origin_of_ours(bench: Bench, origin: str, answer: str) -> None:
    """As over HTTP/2 (RFC 8441)."""
    headers = [(name.encode(), value.encode()) for name, value in (cookie(bench), ("origin", origin))]
    scope = {"type": "websocket", "scheme": "wss", "path": "/orders", "query_string": b"", "headers": headers}
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(ASGIMiddleware(app, bench.auth)(scope, receive, send))
    assert sent[0]["type"] == answer


NOT_ALONE: list[tuple[str, Callable[[Bench], Headers], int]] = [
    ("GET", lambda bench: [cookie(bench), ("authorization", "Bearer wrong")], 401),
    ("GET", lambda bench: [("authorization", "Bearer wrong"), cookie(bench)], 401),
    ("GET", lambda bench: [cookie(bench), ("authorization", "Bearer t0ken"), ("authorization", "Bearer t0ken")], 400),
    ("GET", lambda bench: [cookie(bench), cookie(bench)], 401),
    ("GET", lambda bench: [("cookie", f"={NAME}={bench.token.text}")], 401),
    ("GET", lambda bench: [cookie(bench), ("upgrade", "websocket"), ("origin", "https://evil.example")], 401),
    ("POST", lambda bench: [cookie(bench), ("sec-fetch-site", "cross-site")], 401),
    ("POST", lambda bench: [cookie(bench)], 401),
    ("POST", lambda bench: [cookie(bench), ("sec-fetch-site", "same-origin"), ("origin", "null")], 401),
    ("POST", lambda bench: [cookie(bench), ("origin", "null"), ("sec-fetch-site", "same-origin")], 401),
    ("POST", lambda bench: [cookie(bench), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], 401),
    ("POST", lambda bench: [cookie(bench), ("sec-fetch-site", "none"), ("sec-fetch-site", "same-origin")], 401),
    ("POST", lambda bench: [cookie(bench), ("sec-fetch-site", "same-site")], 401),
    ("TRACE", lambda bench: [cookie(bench)], 401),
]


@both_ways
@pytest.mark.parametrize("method, headers, status", NOT_ALONE)
def test_where_the_cookie_alone_does_not_decide_it_is_not_recalled(
    bench: Bench, ask: Ask, method: str, headers: Callable[[Bench], Headers], status: int
) -> None:
    assert ask(bench.auth, headers(bench), method)[0] == status


@both_ways
def test_a_token_beside_the_cookie_decides(bench: Bench, ask: Ask) -> None:
    for headers in ([cookie(bench), ("authorization", "Bearer t0ken")], [("authorization", "bearer t0ken")]):
        assert ask(bench.auth, headers)[1].split()[0] == "bob"


@both_ways
def test_rules_hold_for_a_session_that_is_remembered(bench: Bench, ask: Ask) -> None:
    told = [ask(bench.auth, [cookie(bench)], needs={"/orders": scope})[0] for scope in ("orders:read", "admin")]
    assert told == [200, 403]


@both_ways
def test_a_hidden_cookie_is_hidden_when_the_session_is_remembered(bench: Bench, ask: Ask) -> None:
    assert ask(bench.auth, [cookie(bench)], hide_credentials=True)[1] == "7 theme=dark"


@both_ways
def test_a_remembered_session_is_refused_once_it_has_ended(bench: Bench, ask: Ask) -> None:
    bench.kept.revocations.publish(Revocation.of_family("session_1", bench.clock()))
    bench.follow()
    assert ask(bench.auth, [cookie(bench)])[0] == 401


def test_a_connection_that_a_remembered_session_opens_ends_with_it(bench: Bench) -> None:
    first, again = bench.ask(), bench.auth.recall_cookies
    assert again is not None
    found = again(cookie(bench)[1].encode())
    assert found is first
    assert found is not None
    (validity,) = found.validities
    assert validity.ending(bench.feed.moment()) is None
    bench.kept.revocations.publish(Revocation.of_family("session_1", bench.clock()))
    bench.follow()
    assert validity.ending(bench.feed.moment()) is Ending.REVOKED


class OnOneHost(Session):
    """Takes cookies on one host only."""

    def extract(self, request: RequestHead) -> SessionValue | Rejected | None:
        return super().extract(request) if request.header("host") == "shop.example" else None


@both_ways
def test_a_subclass_that_looks_at_more_than_the_cookie_is_asked(bench: Bench, ask: Ask) -> None:
    auth = Auth(
        OnOneHost(bench.kept, revocations=bench.feed, clock=bench.clock) | HTTPBearer({"t": Principal("a")}.get)
    )
    assert auth.recall_cookies is None
    hosts = ("shop.example", "shop.example", "other.example")
    assert [ask(auth, [cookie(bench), ("host", host)])[0] for host in hosts] == [200, 200, 401]


@pytest.mark.parametrize("name", ["extract", "recall"])
def test_a_scheme_that_got_a_method_of_its_own_is_asked(bench: Bench, name: str) -> None:
    assert Auth(bench.scheme).recall_cookies is not None
    setattr(bench.scheme, name, getattr(bench.scheme, name))
    assert Auth(bench.scheme).recall_cookies is None


def test_schemes_that_remember_nothing_are_not_asked() -> None:
    assert Auth(HTTPBearer({"t": Principal("a")}.get)).recall_cookies is None


@both_ways
def test_a_way_before_it_that_needs_another_credential_decides_first(bench: Bench, ask: Ask) -> None:
    site = APIKeyHeader("X-Site", {"s1te": Principal("site")}.get)
    bearer = HTTPBearer({"t0ken": Principal("bob")}.get)
    auth = Auth((site & bearer) | bench.scheme, clock=bench.clock)
    for line, status in (((), 200), ((("x-site", "bad"),), 401), ((("x-site", "s1te"),), 200)):
        assert ask(auth, [cookie(bench), *line])[0] == status
