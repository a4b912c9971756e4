"""Websockets in frameworks without an adapter: guarded functions refuse, and what the application does is its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import pytest

from authmw.asgi import AuthMiddleware
from authmw.http.request import Message, Scope
from tests.frameworks import websocket_apps
from tests.frameworks.apps import make_auth
from tests.frameworks.clients import scope_of

FRAMEWORKS: Final[dict[str, Callable[[], Any]]] = {
    "Falcon": websocket_apps.make_falcon,
    "Quart": websocket_apps.make_quart,
    "Litestar": websocket_apps.make_litestar,
}
DENIAL: Final[dict[str, Any]] = {"websocket.http.response": {}}

every_framework = pytest.mark.parametrize("framework", FRAMEWORKS)


def connect(framework: str, path: str, extensions: dict[str, Any]) -> list[Message]:
    """What is sent to a client that opens a websocket and hangs up soon."""
    sent: list[Message] = []
    answered = asyncio.Event()
    waiting: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await answered.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] != "websocket.http.response.start":
            answered.set()

    scope: Scope = {**scope_of(path), "type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": extensions}
    del scope["method"]

    async def main() -> None:
        await AuthMiddleware(FRAMEWORKS[framework](), make_auth())(scope, receive, send)

    asyncio.run(main())
    return sent


@every_framework
def test_a_guarded_function_denies_in_words_where_the_server_can(framework: str) -> None:
    sent = connect(framework, "/decorated", DENIAL)
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 403
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"


@every_framework
def test_a_guarded_function_closes_elsewhere(framework: str) -> None:
    (close,) = connect(framework, "/decorated", {})
    assert close["type"] == "websocket.close"
    # Quart closes with its usual code: before the handshake, that is a 403 of the server in any case.
    assert close["code"] == (1000 if framework == "Quart" else 1008)


@every_framework
def test_require_in_a_function_that_is_not_decorated_never_accepts(
    framework: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "authmw"):
        sent = connect(framework, "/required", DENIAL)
    assert "websocket.accept" not in [message["type"] for message in sent]
    assert sent[0].get("status", 500) == 500
    assert [record.name for record in caplog.records if "AccessRefused" in record.getMessage()] == ["authmw"]


@every_framework
@pytest.mark.parametrize("extensions", [DENIAL, {}])
def test_the_code_that_the_application_closes_with_is_its_own(framework: str, extensions: dict[str, Any]) -> None:
    (close,) = connect(framework, "/closing", extensions)
    assert (close["type"], close["code"]) == ("websocket.close", 4403)
