"""The head of a request: the same from an environ and from a scope."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import APIKeyCookie, APIKeyHeader, APIKeyQuery, Auth, HTTPBasic, HTTPBearer, Principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import (
    ASGIRequest,
    BodyIncomplete,
    BodyTooLarge,
    Message,
    Receive,
    RequestHead,
    Scope,
    Send,
    WSGIRequest,
)
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.requests import asgi_request, wsgi_request

BOTH = pytest.mark.parametrize("make", [wsgi_request, asgi_request], ids=["wsgi", "asgi"])


def _with_query(query: str) -> list[RequestHead]:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": query}
    scope: Scope = {"type": "http", "path": "/", "query_string": query.encode("latin-1"), "headers": []}
    return [WSGIRequest(environ), ASGIRequest(scope)]


@BOTH
def test_a_header_is_found_by_its_name_or_is_none(make: Any) -> None:
    request = make(x_api_key="k")
    assert (request.header("x-api-key"), request.header("x-other")) == ("k", None)


def test_several_lines_of_a_header_are_seen_as_several() -> None:
    lines = [(b"x-key", b"a"), (b"x-other", b"b"), (b"x-key", b"c"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    request = ASGIRequest({"type": "http", "path": "/", "headers": lines})
    assert request.header("x-key") == "a,c"
    assert (request.cookie("a"), request.cookie("b")) == (("1",), ("2",))


@BOTH
@pytest.mark.parametrize(
    "cookie, values",
    [
        ("a=1", ("1",)),
        ("b=2; a=1", ("1",)),
        ("a=1; a=2", ("1", "2")),
        ("a=", ("",)),
        ("a", ()),
        ("=a=1", ()),
        ("=__Host-a=1; b=2", ()),
        ("ab=1", ()),
        ("A=1", ()),
        ('a="1"', ('"1"',)),
        ("a = 1 ", ("1",)),
        ("a=1=2", ("1=2",)),
    ],
)
def test_class_32_every_value_of_a_cookie_is_seen_and_none_is_invented(
    make: Any, cookie: str, values: tuple[str, ...]
) -> None:
    assert make(cookie=cookie).cookie("a") == values


@pytest.mark.parametrize(
    "query, values",
    [
        ("", ()),
        ("key=k", ("k",)),
        ("key=k&key=l", ("k", "l")),
        ("other=1&key=k", ("k",)),
        ("%6bey=k", ("k",)),
        ("key=%6b", ("k",)),
        ("key=a+b", ("a b",)),
        ("key=", ("",)),
        ("key", ("",)),
        ("Key=k", ()),
        ("a=key", ()),
        ("key=%ff", ("\xff",)),
    ],
)
def test_every_value_of_a_query_parameter_is_seen(query: str, values: tuple[str, ...]) -> None:
    assert [request.query("key") for request in _with_query(query)] == [values, values]


def test_a_query_of_too_many_fields_is_refused() -> None:
    for request in _with_query("&".join(["key=k"] * 1001)):
        with pytest.raises(ValueError, match="fields"):
            request.query("key")


@pytest.mark.parametrize(
    "environ, target",
    [
        ({"PATH_INFO": "/a b", "QUERY_STRING": "x=1"}, "/a%20b?x=1"),
        ({"PATH_INFO": "/\xc3\xa9", "SCRIPT_NAME": "/m"}, "/m/%C3%A9"),
        ({"PATH_INFO": "/x", "REQUEST_URI": "/%78?y"}, "/%78?y"),
        ({"PATH_INFO": "/x", "RAW_URI": "/%78?y"}, "/%78?y"),
    ],
)
def test_the_target_is_as_the_client_wrote_it(environ: dict[str, Any], target: str) -> None:
    assert WSGIRequest({"REQUEST_METHOD": "GET", **environ}).target == target


def test_the_target_of_a_scope() -> None:
    scope: Scope = {"type": "http", "path": "/é", "query_string": b"x=1", "headers": []}
    assert ASGIRequest(scope).target == "/%C3%A9?x=1"
    assert ASGIRequest({**scope, "raw_path": b"/%c3%a9?x=1"}).target == "/%c3%a9?x=1"


@pytest.mark.parametrize("client, address", [(("10.0.0.1", 5), "10.0.0.1"), (None, "")])
def test_the_peer_is_known_or_empty(client: Any, address: str) -> None:
    scope: Scope = {"type": "http", "path": "/", "headers": [], "client": client}
    assert ASGIRequest(scope).client == address
    assert WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": address}).client == address


# Bodies, for Digest auth-int


def _environ(body: bytes, **more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(body), **more}


@pytest.mark.parametrize(
    "more", [{"CONTENT_LENGTH": "5"}, {"CONTENT_LENGTH": "0000000000000000000000005"}, {"wsgi.input_terminated": True}]
)
def test_a_body_that_was_read_is_read_again_by_the_application(more: dict[str, Any]) -> None:
    environ = _environ(b"hello", **more)
    assert WSGIRequest(environ).read_body(5) == b"hello"
    assert environ["wsgi.input"].read() == b"hello"


@pytest.mark.parametrize(
    "more",
    [
        {"CONTENT_LENGTH": "5"},
        {"CONTENT_LENGTH": "9" * 5000},
        {"CONTENT_LENGTH": "00000000000000000000000000005"},
        {"wsgi.input_terminated": True},
    ],
    ids=["declared", "huge", "zeros", "chunked"],
)
def test_a_body_that_is_too_large_is_not_kept(more: dict[str, Any]) -> None:
    with pytest.raises(BodyTooLarge):
        WSGIRequest(_environ(b"hello", **more)).read_body(4)


@pytest.mark.parametrize("declared", ["", "-1", "+5", "\u0665", "\xb2", "5 ", "0x5", "5,5"])
def test_a_length_that_is_no_number_is_no_body(declared: str) -> None:
    assert WSGIRequest(_environ(b"hello", CONTENT_LENGTH=declared)).read_body(100) == b""


def test_asgi_messages_that_were_read_are_received_again() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"he", "more_body": True},
        {"type": "http.request", "body": b"llo"},
        {"type": "http.disconnect"},
    ]
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    async def main() -> tuple[bytes, list[Message]]:
        request = ASGIRequest({"type": "http", "path": "/", "headers": []}, receive)
        body = await request.read_body(5)
        return body, [await request.receive() for _ in range(3)]

    assert asyncio.run(main()) == (b"hello", messages)


def test_an_asgi_body_that_is_too_large_is_not_kept() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def main() -> None:
        await ASGIRequest({"type": "http", "path": "/", "headers": []}, receive).read_body(100)

    with pytest.raises(BodyTooLarge):
        asyncio.run(main())


def test_a_wsgi_body_that_ends_early_is_none() -> None:
    with pytest.raises(BodyIncomplete):
        WSGIRequest(_environ(b"hell", CONTENT_LENGTH="5")).read_body(100)


def test_an_asgi_body_that_ends_early_is_none() -> None:
    waiting: list[Message] = [{"type": "http.request", "body": b"he", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def main() -> None:
        await ASGIRequest({"type": "http", "path": "/", "headers": []}, receive).read_body(100)

    with pytest.raises(BodyIncomplete):
        asyncio.run(main())


def test_wsgi_has_the_type_and_length_of_a_body_under_names_without_a_prefix() -> None:
    request = WSGIRequest(_environ(b"", CONTENT_TYPE="text/plain", HTTP_CONTENT_TYPE="text/html"))
    assert request.header("content-type") == "text/plain"


# Any bytes at all


def _principal(*_: str) -> Principal:
    return Principal("alice")


AUTH = Auth(
    HTTPBearer(_principal)
    | HTTPBasic(_principal)
    | APIKeyHeader("X-API-Key", _principal)
    | APIKeyCookie("key", _principal)
    | APIKeyQuery("key", _principal)
)
PIECES = [*b'Bearer|Basic|Digest| |,|=|"|\t|YTpi|a|\x00|\xff|key=k|;'.split(b"|")]
QUERIES = [b"key=a", b"key=a&key=b", b"%6bey=a", b"key=", b"k%65y"]
VALUES = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from(PIECES),
        max_size=8,
    ).map(b"".join),
)
HEADERS = st.lists(
    st.tuples(st.sampled_from([b"authorization", b"x-api-key", b"cookie", b"origin", b"x-other"]), VALUES), max_size=4
)


def _wsgi_answer(headers: list[tuple[bytes, bytes]], query: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": query.decode("latin-1")}
    for name, value in headers:
        key = f"HTTP_{name.decode().upper().replace('-', '_')}"
        # Servers join lines by a comma, and cookies by a semicolon (RFC 9113 §8.2.3).
        joint = ";" if name == b"cookie" else ","
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}{joint}{text}" if key in environ else text
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["authmw.principal"].id.encode()]

    body = b"".join(WSGIMiddleware(app, AUTH)(environ, start_response))
    return int(started[0][0][:3]), [(name.lower(), value) for name, value in started[0][1]], body


def _asgi_answer(headers: list[tuple[bytes, bytes]], query: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["user"].id.encode()})

    async def receive() -> Message:
        raise AssertionError("nothing is received")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": headers}

    async def main() -> None:
        await ASGIMiddleware(app, AUTH)(scope, receive, send)

    asyncio.run(main())
    lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return sent[0]["status"], lines, sent[1]["body"]


@settings(max_examples=150, deadline=None)
@given(
    HEADERS,
    st.one_of(st.binary(max_size=30), st.sampled_from(QUERIES)),
)
def test_class_19_any_bytes_get_a_verdict_and_never_an_exception_the_same_under_wsgi_and_asgi(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    by_wsgi = _wsgi_answer(headers, query)
    assert by_wsgi == _asgi_answer(headers, query)
    status, lines, _ = by_wsgi
    assert status in (200, 400, 401)
    assert all(text.isascii() and text.isprintable() for line in lines for text in line)
