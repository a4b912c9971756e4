"""Requests that no honest client sends, over real sockets: refused by the server or by us, and never a 5xx."""

from __future__ import annotations

import pytest

from authmw.http.target import path_of
from tests.paths import TARGETS, resolved
from tests.servers.running import SERVERS, Serve, exchange, raw_request

pytestmark = pytest.mark.servers

TOKEN = b"Authorization: Bearer alice-token"

HEADS = {
    "obs-fold": b"Authorization: Bearer\r\n alice-token",
    "obs-fold-tab": b"Authorization: Bearer\r\n\talice-token",
    "bare-lf": b"X: y\nAuthorization: Bearer alice-token\x01",
    "bare-cr": b"Authorization: Bearer alice-token\rX: y",
    "nul": b"Authorization: Bearer alice-token\x00",
    "vertical-tab": b"Authorization: Bearer\x0balice-token",
    "nbsp": b"Authorization: Bearer\xa0alice-token",
    "space-before-colon": b"Authorization : Bearer alice-token",
    "underscore": b"Authorization_: Bearer alice-token",
    "two": TOKEN + b"\r\n" + TOKEN,
    "two-cases": TOKEN + b"\r\nAUTHORIZATION: Bearer alice-token",
    "forwarded": b"X-Forwarded-User: alice\r\nX-Forwarded-Uri: /health\r\nX-Original-URL: /health",
    "rewrite": b"X-Rewrite-Url: /health\r\nForwarded: for=127.0.0.1\r\nX-Forwarded-Prefix: /health",
    "method-override": b"X-HTTP-Method-Override: OPTIONS\r\nOrigin: https://a\r\nAccess-Control-Request-Method: GET",
    "subrequest": b"X-Middleware-Subrequest: middleware",
    "proxy": b"Proxy-Authorization: Bearer alice-token",
    "cookie": b"Cookie: Authorization=Bearer alice-token; remember=" + b"a" * 3000,
    "basic-bytes": b"Authorization: Basic \xff\xfe",
    "digest-garbage": b'Authorization: Digest username="a", =, ,,,',
    "many-commas": b"Authorization: Digest " + b"," * 4000,
    "long": b"Authorization: Bearer " + b"a" * 60_000,
    "very-long": b"Authorization: Bearer " + b"a" * 1_000_000,
}


METHODS = ("TRACE", "TRACK", "get", "FOO")

# A folded line is one value where a server unfolds it (RFC 9112 §5.2), and to Werkzeug a bare CR ends a line: either
# way one good credential is left.
READABLE_TO_SOME = {"obs-fold", "obs-fold-tab", "bare-cr"}


@pytest.mark.parametrize("server", SERVERS)
def test_err_2_hdr_3_no_head_is_let_in_and_none_makes_a_5xx(server: str, serve: Serve) -> None:
    port = serve(server, "tests.contract.apps")
    answers = {name: _status(port, b"GET /me HTTP/1.1", head) for name, head in HEADS.items()}
    answers |= {method: _status(port, f"{method} /me HTTP/1.1".encode()) for method in METHODS}
    assert _status(port, b"GET /me HTTP/1.1", TOKEN) == 200
    unexpected = {
        name: status
        for name, status in answers.items()
        if status is not None and not 400 <= status < 500 and not (status == 200 and name in READABLE_TO_SOME)
    }
    assert unexpected == {}


def _status(port: int, line: bytes, head: bytes = b"X: y") -> int | None:
    """The status of the answer; None when the server hangs up."""
    try:
        return exchange(port, b"\r\n".join([line, b"Host: localhost", head, b"Connection: close", b"", b""])).status
    except OSError:
        return None


@pytest.mark.parametrize("server", SERVERS)
def test_path_4_no_raw_target_reaches_more_than_a_public_path_over_real_sockets(server: str, serve: Serve) -> None:
    sendable = [target for target in TARGETS if not set(target) & set(" \x00\x7f") and target]
    port = serve(server, "tests.contract.apps")
    answers = {target: _answer(port, target) for target in sendable}
    # Only what a server itself makes /health or below /docs/ of, before we see it, is let in: as that, and as nobody.
    let_in = {target for target, (status, _) in answers.items() if status == 200}
    assert {body for status, body in answers.values() if status == 200} <= {b"hello nobody"}
    assert {target for target in let_in if not _is_named(target.partition("#")[0].partition("?")[0])} == set()
    assert {target: status for target, (status, _) in answers.items() if status is not None and status >= 500} == {}


def _is_named(target: str) -> bool:
    path = resolved(path_of(target))
    return path == "/health" or path.startswith("/docs/")


def _answer(port: int, target: str) -> tuple[int | None, bytes]:
    try:
        reply = exchange(port, raw_request("GET", target.encode(), [(b"Connection", b"close")]))
    except OSError:
        return None, b""
    return reply.status, reply.body
