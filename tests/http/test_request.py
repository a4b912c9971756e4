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
    MOST_PREFIXES,
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
from tests.support import examples

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
def test_cookies_are_searched_up_to_64_kib(make: Any) -> None:
    assert make(cookie="a=" + "v" * 65534).cookie("a") == ("v" * 65534,)
    with pytest.raises(ValueError, match="64 KiB"):
        make(cookie="a=" + "v" * 65535).cookie("a")


def test_a_server_that_names_no_client_has_an_unknown_one() -> None:
    assert WSGIRequest({"REQUEST_METHOD": "GET"}).client == ""
    assert ASGIRequest({"type": "http", "path": "/", "headers": []}).client == ""


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


_HEADS = {
    # What the client asked for: what the server and the layers outside made of it, and the path that the client saw.
    "no prefix": ("", "/orders", "/orders", "/orders"),
    "told by ProxyFix or hypercorn": ("/shop", "/orders", "/orders", "/shop/orders"),
    "put in front by uvicorn": ("/shop", "/orders", "/shop/orders", "/shop/orders"),
    "mounted": ("/api", "/orders", "/api/orders", "/api/orders"),
    "mounted behind a proxy": ("/shop/api", "/orders", "/api/orders", "/shop/api/orders"),
    "root of a mount": ("/api", "", "/api", "/api"),
    "root behind a proxy": ("/shop", "/", "/", "/shop/"),
    "escapes": ("/shop", "/a b", "/a%20b", "/shop/a%20b"),
    "other escapes": ("/shop", "/a b", "/%61%20b", "/shop/%61%20b"),
    "absolute-form": ("/shop", "/orders", "http://10.0.0.1:80/orders", "/shop/orders"),
    "slash at the end of the prefix": ("/shop/", "/orders", "/orders", "/shop/orders"),
    "prefix that ends in an X": ("/linuX", "/orders", None, "/linuX/orders"),
    "prefix beyond ASCII": ("/büro", "/orders", "/orders", "/b%C3%BCro/orders"),
    "rewritten": ("/shop", "/orders", "/v1/orders", "/v1/orders"),
    "asterisk": ("", "*", "*", "*"),
    "no raw path": ("/shop", "/a b", None, "/shop/a%20b"),
    "no raw path, and what a path may have": ("/shop", "/~a:b@c;d=e,f", None, "/shop/~a:b@c;d=e,f"),
}


@pytest.mark.parametrize("root, path, raw, seen", _HEADS.values(), ids=_HEADS)
def test_the_path_that_the_client_sees_begins_with_the_prefix_that_the_framework_knows(
    root: str, path: str, raw: str | None, seen: str
) -> None:
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": root.encode().decode("latin-1"), "PATH_INFO": path}
    in_front: Scope = {"type": "http", "root_path": root, "path": root + path, "headers": []}
    left_out: Scope = {**in_front, "path": path}
    scopes = [in_front] * (not root.endswith("/")) + [left_out] * path.startswith("/")
    if raw is not None:
        environ["REQUEST_URI"] = f"{raw}?page=2"
        scopes = [{**scope, "raw_path": raw.encode()} for scope in scopes]
    assert WSGIRequest(environ).public_path == seen
    assert {ASGIRequest(scope).public_path for scope in scopes} == {seen}


@pytest.mark.parametrize(
    "target, path",
    [
        ("/a?b", "/a"),
        ("http://shop.example/a?b", "/a"),
        ("HTTPS://shop.example:8443/a", "/a"),
        ("http://[::1]:80/a", "/a"),
        ("http://shop.example", ""),
        ("http://shop.example//a", "//a"),
        ("http://me@shop.example/a", "http://me@shop.example/a"),
        ("http:///a", "http:///a"),
        ("ws://shop.example/a", "ws://shop.example/a"),
        ("/http://shop.example/a", "/http://shop.example/a"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_the_raw_path_of_an_absolute_form_is_the_path_in_it(target: str, path: str) -> None:
    wsgi = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/a", "RAW_URI": target})
    asgi = ASGIRequest({"type": "http", "path": "/a", "raw_path": target.encode(), "headers": []})
    assert (wsgi.raw_path, asgi.raw_path) == (path, path)
    assert wsgi.target == target
    assert asgi.target == target.partition("?")[0]  # a server gives the query apart


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


@pytest.mark.parametrize("limit, fits", [(5, True), (4, False)])
def test_a_body_that_is_kept_has_the_limit_of_each_who_reads_it(limit: int, fits: bool) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"hello"}

    async def asgi() -> bytes:
        request = ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        await request.keep_body()
        return await request.read_body(limit)

    def wsgi() -> bytes:
        request = WSGIRequest(_environ(b"hello", REQUEST_METHOD="POST", CONTENT_LENGTH="5"))
        request.keep_body()
        return request.read_body(limit)

    for read in (wsgi, lambda: asyncio.run(asgi())):
        if fits:
            assert read() == b"hello"
        else:
            with pytest.raises(BodyTooLarge):
                read()


def test_a_body_that_is_kept_is_there_for_those_who_come_after_the_application_has_read_it() -> None:
    waiting: list[Message] = [{"type": "http.request", "body": b"hello"}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def asgi() -> bytes:
        request = ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        await request.keep_body()
        assert (await request.receive())["body"] == b"hello"
        return await ASGIRequest(request.scope).read_body(5)

    assert asyncio.run(asgi()) == b"hello"
    request = WSGIRequest(_environ(b"hello", REQUEST_METHOD="POST", CONTENT_LENGTH="5"))
    request.keep_body()
    assert request.environ["wsgi.input"].read() == b"hello"
    assert WSGIRequest(request.environ).read_body(5) == b"hello"


def test_a_message_without_a_body_is_an_empty_part_of_it() -> None:
    waiting: list[Message] = [{"type": "http.request", "more_body": True}, {"type": "http.request", "body": b"hello"}]

    async def receive() -> Message:
        return waiting.pop(0)

    assert asyncio.run(ASGIRequest({"type": "http", "path": "/", "headers": []}, receive).read_body(5)) == b"hello"


def test_what_kept_a_body_from_being_read_is_told_to_each_who_reads_it() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def asgi() -> None:
        request = ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        await request.keep_body()
        for _ in range(2):
            with pytest.raises(BodyIncomplete):
                await request.read_body(5)

    asyncio.run(asgi())
    request = WSGIRequest(_environ(b"hell", REQUEST_METHOD="POST", CONTENT_LENGTH="5"))
    request.keep_body()
    request.environ["wsgi.input"] = io.BytesIO(b"hello")
    for _ in range(2):
        with pytest.raises(BodyIncomplete):
            request.read_body(5)


def test_a_scope_without_a_channel_has_no_body_and_receives_nothing() -> None:
    request = ASGIRequest({"type": "http", "path": "/", "headers": []})
    assert asyncio.run(request.read_body(100)) == b""
    with pytest.raises(RuntimeError, match="no receive channel"):
        asyncio.run(request.receive())


@BOTH
def test_two_headers_have_no_prefix_in_an_environ(make: Any) -> None:
    environ = {"REQUEST_METHOD": "GET", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "5", "HTTP_CONTENT_TYPE": "x"}
    request = WSGIRequest(environ)
    assert (request.header("content-type"), request.header("content-length")) == ("text/plain", "5")
    assert make(content_encoding="gzip").header("content-encoding") == "gzip"


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


@settings(max_examples=examples(150), deadline=None)
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


@pytest.mark.parametrize(
    "root, path, below",
    [
        ("", "/orders", "/orders"),
        ("/shop", "/shop/orders", "/orders"),
        ("/shop", "/shop/", "/"),
        ("/shop", "/shop", ""),
        ("/shop", "/shopping", "/shopping"),
        ("/shop", "/orders", "/orders"),
        ("/shop", "/x/shop/orders", "/x/shop/orders"),
        ("/shop/de", "/shop/de/orders", "/orders"),
    ],
)
def test_asgi_a_path_is_below_the_root_path_as_whole_segments(root: str, path: str, below: str) -> None:
    assert ASGIRequest({"type": "http", "path": path, "root_path": root, "headers": []}).path == below


def test_a_websocket_handshake_is_a_get_whatever_else_its_scope_says() -> None:
    asked = [(b"origin", b"https://a.example"), (b"access-control-request-method", b"GET")]
    request = ASGIRequest({"type": "websocket", "method": "OPTIONS", "path": "/", "headers": asked})
    assert request.method == "GET"
    assert not request.is_preflight


PREFIXES: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "none": ("", {}, ()),
    "the root": ("/app", {}, ("/app",)),
    "of slashes": ("/", {"x-forwarded-prefix": "//"}, ()),
    "of a header": ("", {"x-forwarded-prefix": "/p"}, ("/p",)),
    "of another header": ("", {"x-script-name": "/p"}, ("/p",)),
    "of both": ("/app", {"x-script-name": "/s", "x-forwarded-prefix": "/p"}, ("/app", "/p", "/s")),
    "the whole value and its members": ("", {"x-forwarded-prefix": " /q ,\t/p"}, ("/q ,\t/p", "/q", "/p")),
    "once": ("/p", {"x-forwarded-prefix": "/p, /p"}, ("/p", "/p, /p")),
    "no empty ones": ("", {"x-forwarded-prefix": ""}, ()),
}


def prefixed(path: str, root: str = "", raw: str | None = None, **headers: str) -> ASGIRequest:
    """A request with a raw path, if its server keeps one."""
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": "GET", "path": path, "root_path": root, "headers": told}
    return ASGIRequest(scope if raw is None else {**scope, "raw_path": raw.encode()})


@pytest.mark.parametrize("root, headers, told", PREFIXES.values(), ids=PREFIXES)
def test_each_prefix_that_a_layer_may_cut_off_is_told(
    root: str, headers: dict[str, str], told: tuple[str, ...]
) -> None:
    assert prefixed("/x", root, **headers).told_prefixes == told


@pytest.mark.parametrize("make", [wsgi_request, asgi_request])
def test_what_a_header_tells_comes_in_the_order_that_is_asked_for(make: Any) -> None:
    request = make("/x", x_b="2", x_a="1", a="3")
    assert request.told("x-a", "x-c", "x-b") == ["1", "2"]
    assert request.told("x-c") == []


@pytest.mark.parametrize(
    "request_, alike",
    [
        (prefixed("/x"), True),
        (prefixed("/x", raw="/x"), True),
        (prefixed("/x", raw="/%78"), True),
        (prefixed("/x", raw="/y"), False),
        (prefixed("/app/x", "/app", raw="/app/x"), True),
        (prefixed("/app/x", "/app", raw="/x"), True),  # a mount has cut the prefix off
        (prefixed("/app/x", "/app", raw="/other/x"), False),
        (prefixed("/app/y/app/x", "/app"), False),
        (prefixed("/app/y/application", "/app"), False),
        (prefixed("/p/x", x_forwarded_prefix="/p"), False),
        (prefixed("/p/x", x_script_name="/q, /p"), False),
        (prefixed("/x", x_forwarded_prefix="/p"), True),
    ],
)
def test_where_a_path_begins_may_be_read_in_two_ways(request_: RequestHead, alike: bool) -> None:
    assert request_.is_read_alike is alike


def test_more_prefixes_than_proxies_name_are_read_in_two_ways() -> None:
    for number in (MOST_PREFIXES - 1, MOST_PREFIXES):  # and the whole value
        named = ",".join(f"/p{index}" for index in range(number))
        assert prefixed("/x", x_forwarded_prefix=named).is_read_alike is (number < MOST_PREFIXES)
