"""Attacks that worked once, or were tried and must never work: each test is named after its class of bypass."""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from starlette._utils import get_route_path  # what its router calls; there is no public name

from authmw import (
    APIKeyCookie,
    APIKeyQuery,
    Auth,
    HTTPBearer,
    Principal,
    Reason,
    Rejected,
    TrustedHeader,
    TrustedUser,
    public,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.crypto.digest_nonces import DigestNonces
from authmw.crypto.jose.base64url import decode_member
from authmw.crypto.keyring import Key
from authmw.engine.authentication import Authentication
from authmw.engine.markers import marked_requirement
from authmw.engine.public_paths import PublicPaths
from authmw.errors import ConfigurationError
from authmw.flow import CallMode
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest, Message, Receive, Scope, Send
from authmw.identity.requirement import AUTHENTICATED
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.requests import asgi_request, wsgi_request

MEBIBYTE = 1 << 20
LONGEST = 0.05
"""Seconds that a megabyte in a request may take (docs/security/threats.md, row 8)."""


@CallMode.NONBLOCKING
def _lookup(token: str) -> Principal | None:
    return Principal(token) if token == "alice" else None


AUTH = Auth(HTTPBearer(_lookup))


def _seconds(call: Callable[[], object]) -> float:
    """The best of three, as the machine may be busy."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun)
    return best


# Methods: what is public is public for the methods one thinks of, in the case RFC 9110 §9.1 gives them.


@pytest.mark.parametrize("method", ["get", "Get", "TRACE", "TRACK", "CONNECT", "PROPFIND", "FOO", "options", ""])
@pytest.mark.parametrize("pattern", ["/docs/*", "GET /docs/*", "/docs/a"])
@pytest.mark.parametrize("request_of", [wsgi_request, asgi_request])
def test_class_22_a_method_that_nobody_thought_of_is_never_public(
    request_of: Callable[..., Any], pattern: str, method: str
) -> None:
    assert PublicPaths([pattern]).matches(request_of("/docs/a", "GET"))
    assert not PublicPaths([pattern]).matches(request_of("/docs/a", method))


@pytest.mark.parametrize("request_of", [wsgi_request, asgi_request])
def test_class_23_a_preflight_in_lower_case_is_none(request_of: Callable[..., Any]) -> None:
    asked = {"origin": "https://a.example", "access_control_request_method": "GET"}
    assert request_of("/", "OPTIONS", **asked).is_preflight
    assert not request_of("/", "options", **asked).is_preflight


@pytest.mark.parametrize("root_path", ["", "/", "//", "/api", "/api/", "api", "/api/x"])
@pytest.mark.parametrize("path", ["/x", "/api/x", "/api//x", "/api", "/api/", "/apix", "/api/api/x", "//x"])
def test_path_2_what_is_below_the_root_path_is_what_starlette_routes_by(path: str, root_path: str) -> None:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "root_path": root_path, "headers": []}
    assert ASGIRequest(scope).path == get_route_path(scope)


# Preflights: anybody can send one, by hand too.

LEAKY = {"Set-Cookie": "s3cret", "Location": "/s3cret", "X-Total": "s3cret", "Link": "</s3cret>", "ETag": '"s3cret"'}
TOLD = {
    "Access-Control-Allow-Origin": "https://a.example",
    "Allow": "GET",
    "Vary": "Origin",
    "Cache-Control": "no-cache",
}
HEADERS = [*LEAKY.items(), *TOLD.items()]


def _wsgi_headers() -> list[tuple[str, str]]:
    started: list[Any] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", HEADERS)
        return [b"s3cret"]

    environ = wsgi_request("/", "OPTIONS", origin="https://a.example", access_control_request_method="GET").environ

    def start_response(*given: Any) -> Callable[[bytes], object]:
        started.append(given)
        return str

    body = WSGIMiddleware(app, AUTH, preflights="application")(environ, start_response)
    assert b"".join(body) == b""
    return list(started[0][1])


def _asgi_headers() -> list[tuple[str, str]]:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"s3cret"})

    async def receive() -> Message:
        raise AssertionError("nothing is received")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = asgi_request("/", "OPTIONS", origin="https://a.example", access_control_request_method="GET").scope
    asyncio.run(ASGIMiddleware(app, AUTH, preflights="application")(scope, receive, send))
    return [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]


@pytest.mark.parametrize("headers_of", [_wsgi_headers, _asgi_headers])
def test_class_23_a_preflight_handed_on_learns_no_header_but_those_of_cors(
    headers_of: Callable[[], list[tuple[str, str]]],
) -> None:
    headers = headers_of()
    assert {name.lower() for name, _ in headers} == {name.lower() for name in TOLD} | {"content-length"}
    assert "s3cret" not in str(headers)


# The address of the peer, where a server takes it from a header.


@pytest.mark.parametrize(
    "header",
    [
        {"x_forwarded_for": "10.1.1.1"},
        {"x_forwarded_for": "192.0.2.1, 10.1.1.1:443"},
        {"x_forwarded_for": "192.0.2.1,10.1.1.1"},
        {"x_forwarded_for": "a" * 10_000},
        {"forwarded": 'for="10.1.1.1:80";proto=https'},
    ],
    ids=["alone", "port", "last", "long", "forwarded"],
)
@pytest.mark.parametrize("request_of", [wsgi_request, asgi_request])
def test_class_20_a_proxy_that_a_header_names_is_no_proxy(
    request_of: Callable[..., Any], header: Mapping[str, str]
) -> None:
    scheme = TrustedHeader("X-Remote-User", proxies=["10.0.0.0/8", "fd00::/8"])
    assert scheme.extract(_from("10.1.1.1", request_of(x_remote_user="root"))) == TrustedUser("root")
    beside = request_of(x_remote_user="root", x_forwarded_for="192.0.2.1, 10.1.1.11, 110.1.1.1")
    assert scheme.extract(_from("10.1.1.1", beside)) == TrustedUser("root")
    found = scheme.extract(_from("10.1.1.1", request_of(x_remote_user="root", **header)))
    assert isinstance(found, Rejected)
    assert found.reason is Reason.PROXY_UNTRUSTED


@pytest.mark.parametrize("told", ["fd00:0::1", "[FD00::1]:443", "fd00::1"])
def test_class_20_an_address_that_a_header_names_is_known_however_it_is_written(told: str) -> None:
    scheme = TrustedHeader("X-Remote-User", proxies=["fd00::/8"])
    found = scheme.extract(_from("fd00::1", wsgi_request(x_remote_user="root", x_forwarded_for=told)))
    assert isinstance(found, Rejected)


def _from(client: str, request: Any) -> Any:
    if isinstance(request, ASGIRequest):
        request.scope["client"] = (client, 0)
    else:
        request.environ["REMOTE_ADDR"] = client
    return request


# @public is said on a view, and holds for that view.


def test_class_22_a_subclass_of_a_public_view_is_not_public_by_inheritance() -> None:
    @public
    class Health:
        def dispatch(self) -> str:
            return "up"

    class Debug(Health):
        pass

    class Guarded(Health):
        pass

    assert marked_requirement(Health) is not None
    assert marked_requirement(Health()) is not None
    assert marked_requirement(Debug) is None
    assert marked_requirement(requires_scopes("admin")(Guarded)) == requires_scopes("admin").requirement


# Nonces of Digest: counts are kept by process unless a store is shared.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("secret, known", [(None, False), (bytes(32), True)], ids=["random", "shared"])
def test_dig_3_a_nonce_of_one_forked_worker_is_nothing_to_another_unless_they_share_a_secret(
    secret: bytes | None, known: bool
) -> None:
    nonces = DigestNonces(secret=secret)
    before, opaque = nonces.issue("orders"), nonces.opaque("orders")
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        of_the_parent = nonces.issued_at(before, "orders") is not None
        of_its_own = nonces.issued_at(nonces.issue("orders"), "orders") is not None
        right = of_the_parent is known and of_its_own and nonces.opaque("orders") == opaque
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert nonces.issued_at(before, "orders") is not None


# A public key as an HMAC secret lets everybody sign, however it is written.

_PUBLIC = Key.generate("ES256").public_jwk() or {}
_DER = b64decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE") + b"".join(
    decode_member(_PUBLIC[name]) or b"" for name in ("x", "y")
)
_SSH = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEm0rDYJ2hZP0m8eRrPr0aTqDzvPU4dY5Rk5WsvfHtZe key"


@pytest.mark.parametrize(
    "secret",
    [
        _DER,
        _DER.hex().encode(),
        _DER.hex().upper().encode(),
        b64encode(_DER),
        urlsafe_b64encode(_DER),
        urlsafe_b64encode(_DER).rstrip(b"="),
        b'"' + b64encode(_DER) + b'"',
        b"\xef\xbb\xbf" + _SSH,
        b'"' + _SSH + b'"',
        b"'" + json.dumps(_PUBLIC).encode() + b"'",
    ],
    ids=["der", "hex", "HEX", "base64", "base64url", "unpadded", "quoted", "ssh-bom", "ssh-quoted", "jwk-quoted"],
)
def test_class_2_a_public_key_is_no_secret_however_it_is_written(secret: bytes) -> None:
    with pytest.raises(ConfigurationError, match="text of a key"):
        Key.from_secret(secret)


@pytest.mark.parametrize("write", [bytes, bytes.hex, b64encode, urlsafe_b64encode], ids=lambda write: write.__name__)
def test_class_2_a_secret_may_be_written_in_any_of_these(write: Callable[[bytes], bytes | str]) -> None:
    for octets in (bytes(range(48)), os.urandom(32), b"\xff" * 64):
        assert Key.from_secret(write(octets)).symmetric


# A megabyte of anything (docs/security/threats.md, row 8).


@pytest.mark.parametrize(
    "cookies",
    [";" * MEBIBYTE + "key", "key=a;" * (MEBIBYTE // 6), "a=b;" * (MEBIBYTE // 4), "key=" + "a" * MEBIBYTE],
    ids=["semicolons", "the-same", "others", "one"],
)
def test_class_8_a_megabyte_of_cookies_is_looked_through_in_no_time(cookies: str) -> None:
    auth = Auth(APIKeyCookie("key", _lookup))
    request = wsgi_request(cookie=cookies)
    assert _seconds(lambda: auth.authenticate(request)) < LONGEST


@pytest.mark.parametrize(
    "query",
    ["%" * MEBIBYTE, "%41" * (MEBIBYTE // 3), "key=" + "%" * MEBIBYTE, "key=" + "%" * 60_000, "k%65y=%41&" * 990],
    ids=["percent-signs", "escapes", "in-the-key", "60-kilobytes", "many-fields"],
)
def test_class_8_a_megabyte_of_query_is_looked_through_in_no_time(query: str) -> None:
    auth = Auth(APIKeyQuery("key", _lookup))
    request = wsgi_request()
    request.environ["QUERY_STRING"] = query
    assert _seconds(lambda: auth.authenticate(request)) < LONGEST


def test_class_21_a_query_or_cookies_too_long_to_look_through_are_refused() -> None:
    request = wsgi_request(cookie="key=alice;" + "a=b;" * 20_000)
    request.environ["QUERY_STRING"] = "key=alice&" + "a" * 80_000
    for scheme in (APIKeyCookie("key", _lookup), APIKeyQuery("key", _lookup)):
        auth = Auth(scheme)
        found = auth.authenticate(request)
        # A cookie is absent where nobody has to authenticate, and refused where somebody has to.
        decision = auth.decide(found, AUTHENTICATED, request) if isinstance(found, Authentication) else found
        assert isinstance(decision, Refusal)
        assert decision.status == 400


@pytest.mark.parametrize("path", ["/a" * (MEBIBYTE // 2), "/docs/" + "a/" * (MEBIBYTE // 2), "/docs/" + "a" * MEBIBYTE])
def test_class_8_a_megabyte_of_path_is_not_public_and_costs_no_time(path: str) -> None:
    paths = PublicPaths(["/health", "/docs/*"])
    request = wsgi_request(path)
    assert not paths.matches(request)
    assert _seconds(lambda: paths.matches(request)) < LONGEST
