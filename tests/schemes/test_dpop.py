"""DPoP on the wire (RFC 9449 §7): one header each, challenges to the byte, and the same answer from every interface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import Any, Final
from wsgiref.validate import validator

import pytest

from authmw import (
    Auth,
    ConfigurationError,
    DPoPToken,
    HTTPBearer,
    HTTPDPoP,
    Reason,
    Rejected,
    current_principal,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.challenge import parse_challenges
from authmw.issuers import DPoPNonces
from authmw.openapi import security_schemes
from authmw.stores.records import NonceUse
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.dpop_proofs import ath, bound_token, dpop_verifier, proof
from tests.jwt_tokens import NOW, token, verifier
from tests.requests import asgi_request, wsgi_request

SCHEME: Final = HTTPDPoP(dpop_verifier(algorithms=["ES256", "PS256"]))
BOTH = pytest.mark.parametrize("make", [wsgi_request, asgi_request])


@BOTH
@pytest.mark.parametrize("name", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_s4_u5_the_name_of_the_scheme_is_read_in_any_case(make: Callable[..., Any], name: str) -> None:
    found = SCHEME.extract(make(authorization=f"{name} t0ken", dpop="pr00f"))
    assert found == DPoPToken("t0ken", "pr00f")


@BOTH
@pytest.mark.parametrize("value", ["Bearer t0ken", "Basic YTpi", "DPoPx t0ken"])
def test_another_scheme_is_left_to_others(make: Callable[..., Any], value: str) -> None:
    assert SCHEME.extract(make(authorization=value, dpop="pr00f")) is None
    assert SCHEME.extract(make(dpop="pr00f")) is None


@BOTH
def test_s4_a_token_without_a_proof_is_refused(make: Callable[..., Any]) -> None:
    assert SCHEME.extract(make(authorization="DPoP t0ken")) == Rejected(Reason.PROOF_MISSING)
    assert SCHEME.extract(make(authorization="DPoP t0ken", dpop="")) == Rejected(Reason.PROOF_MISSING)


@BOTH
@pytest.mark.parametrize("value", ["DPoP", "DPoP ", "DPoP a b", 'DPoP "a"', "DPoP é", "DPoP a=b", "DPoP " + "a" * 8193])
def test_hdr_5_a_token_that_is_no_b64token_is_refused(make: Callable[..., Any], value: str) -> None:
    found = SCHEME.extract(make(authorization=value, dpop="pr00f"))
    assert isinstance(found, Rejected)
    assert found.reason is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "rejected, scopes, challenge",
    [
        # RFC 9449 §7.1, figures 15 and 16, and §9, figure 24, but for the realm and our own words
        (None, (), 'DPoP realm="orders", algs="ES256 PS256"'),
        (
            Rejected(Reason.TOKEN_BOUND),
            (),
            'DPoP realm="orders", error="invalid_token", error_description="The access token is invalid.", '
            'algs="ES256 PS256"',
        ),
        (
            Rejected(Reason.PROOF_STALE),
            (),
            'DPoP realm="orders", error="invalid_dpop_proof", error_description="The DPoP proof is invalid.", '
            'algs="ES256 PS256"',
        ),
        (
            Rejected(Reason.PROOF_NONCE),
            (),
            'DPoP realm="orders", error="use_dpop_nonce", '
            'error_description="The DPoP proof needs the nonce of DPoP-Nonce.", algs="ES256 PS256"',
        ),
        (
            Rejected(Reason.SCOPE_MISSING),
            ("a", "b"),
            'DPoP realm="orders", error="insufficient_scope", scope="a b", algs="ES256 PS256"',
        ),
    ],
)
def test_s4_the_challenges_of_rfc_9449_7_1(rejected: Rejected | None, scopes: tuple[str, ...], challenge: str) -> None:
    written = SCHEME.challenge("orders", rejected=rejected, scopes=scopes)
    assert str(written) == challenge
    assert parse_challenges(challenge) == (written,)


def test_the_scheme_describes_itself_by_the_name_that_iana_registered() -> None:
    auth = Auth(HTTPDPoP(dpop_verifier(), name="Bound", description="With a proof."))
    described = {"type": "http", "scheme": "dpop", "description": "With a proof."}
    assert security_schemes(auth) == {"Bound": described}
    assert security_schemes(auth, "2.0")["Bound"]["in"] == "header"


def test_answers_depend_on_both_headers_and_say_so_once() -> None:
    assert Auth(HTTPBearer() | HTTPDPoP()).vary == "Authorization, DPoP"


def test_a_function_for_the_scheme_is_refused_with_its_fix() -> None:
    scheme: Any = HTTPDPoP
    with pytest.raises(ConfigurationError, match="a plain function cannot verify DPoP"):
        scheme(print)


# The same requests through every interface.


class Store:
    """Nonces that are down when asked to."""

    down = False

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> NonceUse:
        if self.down:
            raise OSError("down")
        return NonceUse.FRESH


STORE: Final = Store()
NONCES: Final = DPoPNonces(b"n" * 32, clock=lambda: float(NOW))
OLD_NONCE: Final = DPoPNonces(b"n" * 32, clock=lambda: NOW - 200.0).issue()


def make_auth(**options: Any) -> Auth:
    return Auth(
        HTTPDPoP(dpop_verifier(nonces=STORE, algorithms=["ES256"], **options)) | HTTPBearer(verifier()), realm="orders"
    )


@dataclass(frozen=True)
class Seen:
    """What a client sees of an answer."""

    status: int
    headers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    body: bytes = b""

    @property
    def challenges(self) -> list[str]:
        return self.headers.get("www-authenticate", [])

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"]).removeprefix("authmw.")


Lines = list[tuple[str, str]]


def ask_wsgi(app: Any, lines: Lines) -> Seen:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/orders",
        "QUERY_STRING": "",
        "SERVER_NAME": "internal",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {"wsgi.input": BytesIO(), "wsgi.errors": StringIO()}
    for name, value in lines:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    started: list[tuple[str, Lines]] = []

    written: list[bytes] = []

    def start_response(status: str, headers: Lines, exc_info: Any = None) -> Any:
        started.append((status, headers))
        return written.append

    body: Any = validator(app)(environ, start_response)
    content = b"".join(body)
    body.close()
    return seen(int(started[-1][0][:3]), started[-1][1], content)


def ask_asgi(app: Any, lines: Lines) -> Seen:
    sent: list[Any] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/orders",
        "raw_path": b"/orders",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return seen(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def seen(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Seen:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return Seen(status, found, body)


TEXT: Final = "text/plain; charset=utf-8"


def make_wsgi(auth: Auth) -> Any:
    def orders(environ: Any, start_response: Any) -> Iterable[bytes]:
        body = f"hello {current_principal().id}".encode()
        start_response("200 OK", [("Content-Type", TEXT), ("Content-Length", str(len(body)))])
        return [body]

    return WSGIMiddleware(requires_scopes("orders:read")(orders), auth)


def make_asgi(auth: Auth) -> Any:
    async def orders(scope: Any, receive: Any, send: Any) -> None:
        body = f"hello {current_principal().id}".encode()
        headers = [(b"content-type", TEXT.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return ASGIMiddleware(requires_scopes("orders:read")(orders), auth)


def make_flask(auth: Auth) -> Any:
    from authmw_flask import FlaskAuth
    from flask import Flask, Response

    app = Flask(__name__, static_folder=None)
    FlaskAuth(app, auth)

    @requires_scopes("orders:read")
    def orders() -> Response:
        return Response(f"hello {current_principal().id}", content_type=TEXT)

    app.add_url_rule("/orders", view_func=orders)
    return app


def make_starlette(auth: Auth) -> Any:
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    @requires_scopes("orders:read")
    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"hello {current_principal().id}")

    app = Starlette(routes=[Route("/orders", orders)])
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


INTERFACES: Final[dict[str, Callable[[Auth], Callable[[Lines], Seen]]]] = {
    "wsgi": lambda auth: _asking(ask_wsgi, make_wsgi(auth)),
    "flask": lambda auth: _asking(ask_wsgi, make_flask(auth)),
    "asgi": lambda auth: _asking(ask_asgi, make_asgi(auth)),
    "starlette": lambda auth: _asking(ask_asgi, make_starlette(auth)),
}


def _asking(ask: Callable[[Any, Lines], Seen], app: Any) -> Callable[[Lines], Seen]:
    return lambda lines: ask(app, lines)


def with_proof(text: str, made: str | None = None, *more: str, scheme: str = "DPoP") -> Lines:
    proofs = [proof(text) if made is None else made, *more]
    return [("Authorization", f"{scheme} {text}"), *(("DPoP", each) for each in proofs)]


TOKEN: Final = bound_token()
WEAK: Final = bound_token(scope="profile")
UNBOUND: Final = token()
BEARER: Final = 'Bearer realm="orders"'
INVALID: Final = 'error="invalid_token", error_description="The access token is invalid."'
BAD_PROOF: Final = 'error="invalid_dpop_proof", error_description="The DPoP proof is invalid."'
ALGS: Final = 'algs="ES256"'


def dpop(*params: str) -> str:
    return ", ".join(['DPoP realm="orders"', *params, ALGS])


REFUSED: Final[dict[str, tuple[Lines, str, list[str]]]] = {
    "nothing": ([], "credentials-missing", [dpop('scope="orders:read"'), f'{BEARER}, scope="orders:read"']),
    "a bound token as Bearer": (
        [("Authorization", f"Bearer {TOKEN}")],
        "token-invalid",
        [dpop(), f"{BEARER}, {INVALID}"],
    ),
    "a bound token as Bearer, with a good proof": (
        with_proof(TOKEN, scheme="Bearer"),
        "token-invalid",
        [dpop(), f"{BEARER}, {INVALID}"],
    ),
    "an unbound token": (with_proof(UNBOUND), "token-invalid", [dpop(INVALID), BEARER]),
    "no proof": (
        [("Authorization", f"DPoP {TOKEN}")],
        "proof-missing",
        [dpop('error="invalid_dpop_proof", error_description="The DPoP proof is missing."'), BEARER],
    ),
    "two headers": (with_proof(TOKEN, proof(TOKEN), proof(TOKEN)), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "one header twice": (with_proof(TOKEN, *[proof(TOKEN)] * 2), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "two in one header": (
        with_proof(TOKEN, f"{proof(TOKEN)}, {proof(TOKEN)}"),
        "proof-invalid",
        [dpop(BAD_PROOF), BEARER],
    ),
    "an empty one besides": (with_proof(TOKEN, proof(TOKEN), ""), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "rubbish": (with_proof(TOKEN, "rubbish"), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "latin-1": (with_proof(TOKEN, "é.é.é"), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "a megabyte": (with_proof(TOKEN, "a." * 500_000), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "for another method": (with_proof(TOKEN, proof(TOKEN, htm="POST")), "proof-invalid", [dpop(BAD_PROOF), BEARER]),
    "for another host": (
        with_proof(TOKEN, proof(TOKEN, htu="http://internal:8000/orders")),
        "proof-invalid",
        [dpop(BAD_PROOF), BEARER],
    ),
    "for another token": (
        with_proof(TOKEN, proof(TOKEN, ath=ath("other"))),
        "proof-invalid",
        [dpop(BAD_PROOF), BEARER],
    ),
    "expired": (
        with_proof(bound_token(exp=NOW - 60)),
        "token-expired",
        [dpop('error="invalid_token", error_description="The access token expired."'), BEARER],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("interface", INTERFACES)
def test_s4_a_refusal_is_the_same_to_the_byte_from_every_interface(interface: str, name: str) -> None:
    lines, code, challenges = REFUSED[name]
    answer = INTERFACES[interface](make_auth())(lines)
    assert answer.status == 401
    assert answer.code == code
    assert answer.challenges == challenges
    assert answer.headers["vary"] == ["Authorization, DPoP"]
    assert answer.headers["cache-control"] == ["no-store"]
    assert "dpop-nonce" not in answer.headers
    assert answer.body == INTERFACES["wsgi"](make_auth())(lines).body


@pytest.mark.parametrize("interface", INTERFACES)
def test_s4_a_bound_token_with_its_proof_is_let_through(interface: str) -> None:
    answer = INTERFACES[interface](make_auth())(with_proof(TOKEN))
    assert (answer.status, answer.body) == (200, b"hello alice")
    assert "dpop-nonce" not in answer.headers


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_bearer_token_that_is_bound_to_nothing_still_is_let_through(interface: str) -> None:
    answer = INTERFACES[interface](make_auth())([("Authorization", f"Bearer {UNBOUND}")])
    assert (answer.status, answer.body) == (200, b"hello alice")


@pytest.mark.parametrize("interface", INTERFACES)
def test_who_lacks_a_scope_is_told_by_the_scheme_that_was_used(interface: str) -> None:
    answer = INTERFACES[interface](make_auth())(with_proof(WEAK))
    assert (answer.status, answer.code) == (403, "scope-missing")
    assert answer.challenges == [dpop('error="insufficient_scope"', 'scope="orders:read"')]


@pytest.mark.parametrize("interface", INTERFACES)
def test_s1_two_credentials_are_a_400_that_every_scheme_tells(interface: str) -> None:
    # RFC 9449 §7.2, figure 19
    lines = [*with_proof(TOKEN), ("Authorization", f"Bearer {TOKEN}")]
    answer = INTERFACES[interface](make_auth())(lines)
    assert answer.status == 400
    assert [challenge.split(" ")[0] for challenge in answer.challenges] == ["DPoP", "Bearer"]
    assert all('error="invalid_request"' in challenge for challenge in answer.challenges)


@pytest.mark.parametrize("interface", INTERFACES)
def test_s4_a_store_of_used_proofs_that_is_down_is_a_503(interface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STORE, "down", True)
    answer = INTERFACES[interface](make_auth())(with_proof(TOKEN))
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.headers["retry-after"] == ["5"]


@pytest.mark.parametrize("interface", INTERFACES)
def test_s4_the_nonce_comes_with_the_refusal_and_with_the_answer_when_it_ages(interface: str) -> None:
    ask = INTERFACES[interface](make_auth(server_nonces=NONCES))
    refused = ask(with_proof(TOKEN))
    assert (refused.status, refused.code) == (401, "proof-nonce")
    assert refused.headers["dpop-nonce"] == [NONCES.issue()]
    assert refused.headers["cache-control"] == ["no-store"]
    assert 'error="use_dpop_nonce"' in refused.challenges[0]
    assert refused.challenges[1] == BEARER

    first = ask(with_proof(TOKEN, proof(TOKEN, nonce=refused.headers["dpop-nonce"][0])))
    assert first.status == 200
    assert "dpop-nonce" not in first.headers

    later = ask(with_proof(TOKEN, proof(TOKEN, nonce=OLD_NONCE)))
    assert later.status == 200
    assert later.headers["dpop-nonce"] == [NONCES.issue()]
    assert later.headers["cache-control"] == ["no-store"]


def test_s4_the_handshake_of_a_websocket_is_a_get_with_a_proof_like_any() -> None:
    accepted: list[str] = []

    async def feed(scope: Any, receive: Any, send: Any) -> None:
        accepted.append(current_principal().id)
        await send({"type": "websocket.accept"})

    app = ASGIMiddleware(feed, make_auth())

    def connect(made: str) -> list[Any]:
        sent: list[Any] = []
        headers = [(name.lower().encode(), value.encode()) for name, value in with_proof(TOKEN, made)]
        scope = {"type": "websocket", "path": "/feed", "raw_path": b"/feed", "query_string": b"", "headers": headers}

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        return sent

    assert connect(proof(TOKEN, htu="wss://api.example/feed"))[0]["type"] == "websocket.accept"
    assert connect(proof(TOKEN, htu="https://api.example/feed"))[0]["type"] == "websocket.accept"
    assert connect(proof(TOKEN, htu="https://api.example/orders"))[0]["type"] == "websocket.close"
    assert connect(proof(TOKEN, htu="https://api.example/feed", htm="CONNECT"))[0]["type"] == "websocket.close"
    assert accepted == ["alice", "alice"]
