"""Hidden credentials: no copy of a request that a server or a layer makes shows them, and all else stays as it came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest
from werkzeug.wrappers import Request

from authmw import APIKeyCookie, APIKeyHeader, APIKeyQuery, Auth, HTTPBearer, InheritedAuth, Principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.hidden_credentials import HiddenCredentials
from authmw.http.request import Receive, Scope, Send
from authmw.http.response import StartResponse
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

SECRET: Final = "s3cr3t"


def by_secret(secret: str) -> Principal | None:
    """The only caller."""
    return Principal("alice") if secret == SECRET else None


def make_auth() -> Auth:
    """A secret in a header, in the query, or in a cookie."""
    return Auth(HTTPBearer(by_secret) | APIKeyQuery("key", by_secret) | APIKeyCookie("session", by_secret))


def hidden() -> HiddenCredentials:
    """All of these."""
    return HiddenCredentials(make_auth().schemes)


EVENT: Final = {"headers": {"authorization": f"Bearer {SECRET}"}}


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("headers_raw", (("Authorization", f"Bearer {SECRET}"),), None),
        ("werkzeug.request", Request({"HTTP_AUTHORIZATION": f"Bearer {SECRET}"}), None),
        ("webob._parsed_cookies", ({"session": SECRET}, f"session={SECRET}"), None),
        ("REDIRECT_HTTP_AUTHORIZATION", f"Bearer {SECRET}", None),
        ("REDIRECT_REDIRECT_HTTP_AUTHORIZATION", f"Bearer {SECRET}", None),
        ("REDIRECT_QUERY_STRING", f"a=1&key={SECRET}", "a=1"),
        ("REDIRECT_HTTP_COOKIE", f"session={SECRET}; a=b", "a=b"),
        ("REQUEST_URI", f"/x?k%65y={SECRET}&a=1", "/x?a=1"),
        ("RAW_URI", f"/x?a=1&key={SECRET}", "/x?a=1"),
        ("HTTP_REFERER", f"https://h/page?key={SECRET}&a=1", "https://h/page?a=1"),
        ("HTTP_X_ORIGINAL_URI", f"/x?key={SECRET}", "/x?"),
        ("HTTP_X_FORWARDED_URI", f"/x?a=1&key={SECRET}", "/x?a=1"),
        ("HTTP_X_EMPTY", "", ""),
        ("HTTP_ACCEPT", "*/*?a%20b", "*/*?a%20b"),
        ("REDIRECT_STATUS", "200", "200"),
        ("wsgi.multithread", True, True),
    ],
)
def test_no_variable_shows_a_credential(name: str, value: Any, shown: Any) -> None:
    given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", name: value}
    found = hidden().environ(given)
    assert found.get(name) == shown
    assert SECRET not in repr(found)
    assert given[name] is value, "the environ of the server stays"


@pytest.mark.parametrize("described", [{"type": "apiKey"}, {"type": "http", "scheme": "own", "name": "Own"}])
def test_the_header_of_a_scheme_whose_description_names_no_place_is_hidden(described: dict[str, Any]) -> None:
    class Own(APIKeyHeader):
        def openapi(self) -> dict[str, Any]:
            return described

    own = HiddenCredentials([Own("X-Own", by_secret)])
    assert own.environ({"REQUEST_METHOD": "GET", "HTTP_X_OWN": SECRET}) == {"REQUEST_METHOD": "GET"}


@pytest.mark.parametrize(
    "line, shown",
    [
        ((b"referer", b"https://h/?key=s3cr3t&a=1"), (b"referer", b"https://h/?a=1")),
        ((b"x-forwarded-uri", b"/x?a=1&key=s3cr3t"), (b"x-forwarded-uri", b"/x?a=1")),
        ((b"cookie", b"session=s3cr3t"), None),
        ((b"cookie", b"a=b; session=s3cr3t"), (b"cookie", b"a=b")),
        ((b"x-empty", b""), (b"x-empty", b"")),
        ((b"accept", b"\xff?"), (b"accept", b"\xff?")),
    ],
)
def test_no_header_line_shows_a_credential(line: tuple[bytes, bytes], shown: tuple[bytes, bytes] | None) -> None:
    found = hidden().scope({"type": "http", "path": "/", "headers": [(b"host", b"h"), line]})
    assert found["headers"] == [(b"host", b"h"), *([shown] if shown else [])]


COPIES: Final = (
    *("headers_raw", "aiohttp.request", "aws.event", "serverless.event", "apig_wsgi.request_event", "werkzeug.request"),
    *("webob.adhoc_attrs", "webob._parsed_cookies", "webob._parsed_query_vars", "paste.cookies"),
    *("paste.parsed_querystring", "paste.parsed_dict_querystring", "bottle.request"),
)


@pytest.mark.parametrize("name", COPIES)
def test_no_copy_of_the_request_is_shown(name: str) -> None:
    assert name not in hidden().environ({"REQUEST_METHOD": "GET", name: EVENT})
    assert name not in hidden().scope({"type": "http", "headers": [], name: EVENT})


def test_no_copy_of_the_request_in_a_scope_shows_a_credential() -> None:
    environ = {"HTTP_AUTHORIZATION": f"Bearer {SECRET}", "HTTP_HOST": "h"}
    found = hidden().scope({"type": "http", "headers": [], "wsgi_environ": environ, "aws.event": EVENT, "state": {}})
    assert found["wsgi_environ"] == {"HTTP_HOST": "h"}
    assert SECRET not in repr(found)
    assert found["state"] == {}


def shows_all(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """A program that answers with what it sees."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(environ).encode()]


async def shows_all_async(scope: Scope, receive: Receive, send: Send) -> None:
    """The same, for ASGI."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(dict(scope)).encode()})


def test_a_mounted_program_sees_no_credential_either_where_nobody_is_authenticated() -> None:
    case = Case("/health", Answer(0, (), b""), ((b"Authorization", f"Bearer {SECRET}".encode()),), target="/health")
    inner = InheritedAuth(make_auth())
    answers = [
        ask_wsgi(WSGIMiddleware(shows_all, inner, public=["/health"], hide_credentials=True), case),
        ask_asgi(ASGIMiddleware(shows_all_async, inner, public=["/health"], hide_credentials=True), case),
    ]
    for answer in answers:
        assert answer.status == 200
        assert SECRET.encode() not in answer.body
