"""Websockets of Channels behind the guard: refused before they are accepted, and with the user of Django."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from authmw.http.request import Message
from tests.adapters.django.asgi import make_application
from tests.adapters.django.site import configured


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


def connect(path: str, token: str = "") -> list[Message]:
    """What the application sends to a client that connects, and then leaves."""
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "extensions": {"websocket.http.response": {}},
    }
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "websocket.connect"}]

    async def exchange() -> None:
        greeted = asyncio.Event()

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await greeted.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] != "websocket.accept":
                greeted.set()

        await make_application()(scope, receive, send)

    asyncio.run(exchange())
    return sent


@pytest.mark.parametrize(
    "path, token, status",
    [
        ("/live", "", 401),
        ("/live", "bad", 401),
        ("/live", "down", 503),
        ("/guarded/7", "", 401),
        ("/guarded/7", "t0ken", 403),
        ("/no-such-path", "", 401),
    ],
)
def test_a_websocket_is_refused_before_it_is_accepted(path: str, token: str, status: int) -> None:
    start = connect(path, token)[0]
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)


@pytest.mark.parametrize(
    "path, token, greeting",
    [
        ("/live", "t0ken", "t0ken True t0ken"),
        ("/guarded/7", "reader", "reader True reader"),
        ("/open/live", "", " False "),
        ("/open/live", "reader", "reader True reader"),
    ],
)
def test_a_consumer_gets_the_user_of_django(path: str, token: str, greeting: str) -> None:
    accepted, text = connect(path, token)[:2]
    assert accepted["type"] == "websocket.accept"
    assert text["text"] == greeting


def test_a_caller_without_a_user_is_refused() -> None:
    with configured(authmw={"user": "tests.adapters.django.finders.nobody"}):
        assert connect("/live", "reader")[0]["status"] == 403
    with configured(authmw={"user": "tests.adapters.django.finders.fails"}):
        assert connect("/live", "reader")[0]["status"] == 503


def test_http_goes_on_as_before() -> None:
    from tests.adapters.django.asking import ask

    assert ask("asgi", "/orders", "reader", app=make_application()).status == 200
    assert ask("asgi", "/orders", app=make_application()).status == 401
