"""A server at a Unix socket has no address: what it says in place of one counts as this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from authmw.http.request import Environ, Message, Receive, Scope, Send
from authmw.http.response import StartResponse
from authmw.local.loopback import Loopback, LoopbackASGI, LoopbackWSGI
from authmw.local.settings import LocalSettings
from tests.requests import asgi_request, wsgi_request


@pytest.mark.parametrize("server", [None, ("app.sock", None), ("/run/shop/app.sock", None)], ids=str)
def test_asgi_without_an_address_is_served(server: Any) -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "served"})

    async def receive() -> Message:
        raise AssertionError("nothing is received")

    async def send(message: Message) -> None:
        sent.append(message)

    loopback = Loopback(LocalSettings())
    assert loopback.needed
    asyncio.run(LoopbackASGI(app, loopback)({**asgi_request("/").scope, "server": server}, receive, send))
    assert sent == [{"type": "served"}]


@pytest.mark.parametrize("name", [None, "", "shop.example", "waitress.invalid", "/run/shop/app.sock"])
def test_wsgi_without_an_address_is_served(name: str | None) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return [b"served"]

    def start_response(*given: Any) -> Any:
        raise AssertionError("the application was not called")

    environ: Environ = {**wsgi_request("/").environ, "SERVER_NAME": name}
    assert list(LoopbackWSGI(app, Loopback(LocalSettings()))(environ, start_response)) == [b"served"]
