"""Applications whose connections stay open, and public paths that issue tokens and end them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs

from authmw import Auth, HTTPBearer, TokenVerifier
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Receive, Scope, Send
from authmw.stores import MemoryRevocations, MemoryTokens, Revocation, RevocationFeed
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

BOUND: Final = 1.0
EVENTS: Final = "text/event-stream"
PUBLIC: Final = ("/issue", "/end")

tokens: Final = MemoryTokens()
revocations: Final = MemoryRevocations()
feed: Final = RevocationFeed(revocations, bound=BOUND)
auth: Final = Auth(HTTPBearer(TokenVerifier(tokens, revocations=feed)))


def administrate(path: str, query: str) -> bytes:
    """Issue a token, which is answered with its id, or end a token or a user."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    if path == "/issue":
        token, record = tokens.create(asked["user"], lifetime=float(asked["lifetime"]))
        return f"{token} {record.id} {record.expires_at}".encode()
    now = time.time()
    of_user = "user" in asked
    revocations.publish(Revocation.of_user(asked["user"], now) if of_user else _of_token(asked["token"], now))
    return b"ended"


def _of_token(token: str, now: float) -> Revocation:
    return Revocation.of_token(token, now, now + 3600)


def _wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path in PUBLIC:
        body = administrate(path, environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]
    start_response("200 OK", [("Content-Type", EVENTS if path == "/events" else "text/plain")])
    return _parts()


def _parts() -> Iterator[bytes]:
    while True:
        yield b"data: part\n\n"
        time.sleep(0.05)  # what it has to tell comes now and then


async def _asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    elif scope["path"] in PUBLIC:
        body = administrate(scope["path"], scope["query_string"].decode())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body})
    else:
        kind = EVENTS if scope["path"] == "/events" else "text/plain"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": b"data: part\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass


wsgi: Final = WSGIMiddleware(_wsgi, auth, public=PUBLIC)
asgi: Final = ASGIMiddleware(_asgi, auth, public=PUBLIC)
