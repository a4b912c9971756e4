"""Application of `tests.soak.connections`: idle websockets and event streams, behind the middleware."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from authmw_sqlalchemy import SQLStores

from authmw import Auth, HTTPBearer, JWTVerifier, KeyRing
from authmw.asgi import AuthMiddleware
from authmw.http.request import Receive, Scope, Send
from authmw.stores.revocation_feed import RevocationFeed

FOLDER: Final = "AUTHMW_CONNECTIONS_FOLDER"
OFF: Final = "AUTHMW_CONNECTIONS_OFF"
NAMES: Final[dict[str, Any]] = {"issuer": "https://id.example", "audience": "orders"}
BOUND: Final = 1.0
"""Seconds within which a revocation is honoured."""


def keys_in(folder: Path) -> KeyRing:
    """The keys of a run."""
    return KeyRing.load(folder / "keys.json", create=True)


def stores_in(folder: Path) -> SQLStores:
    """The stores of a run."""
    return SQLStores(f"sqlite:///{folder}/app.db")


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: open\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


def make() -> AuthMiddleware:
    """The application, for uvicorn's ``--factory``."""
    folder = Path(os.environ[FOLDER])
    feed = RevocationFeed(stores_in(folder).revocations, bound=BOUND)
    verifier = JWTVerifier(keys_in(folder), **NAMES, leeway=0, revocations=feed)
    auth = Auth(HTTPBearer(verifier), remember=0)
    return AuthMiddleware(_app, auth, end_connections=not os.environ.get(OFF))
