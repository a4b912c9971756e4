"""Websockets of Channels behind the guard: refused before they are accepted, and with the user of Django."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from authmw_django import WebsocketMiddleware
from authmw_django.config import GUARD, checked_configuration

from authmw.http.request import Message
from tests.adapters.django.asgi import make_application
from tests.adapters.django.site import configured


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


def connect(path: str, token: str = "", *, app: Any = None, **entries: Any) -> list[Message]:
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
        **entries,
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

        await (app or make_application())(scope, receive, send)

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


RULES: dict[str, Any] = {"needs": {"/live": "orders:write", "/guarded/*": "orders:write"}}


@pytest.mark.parametrize("path, ruled", [("/live", True), ("/guarded/7", True), ("/open/live", False)])
@pytest.mark.parametrize("token, status", [("", 401), ("reader", 403), ("writer", None)])
def test_a_rule_from_outside_holds_for_websockets(path: str, ruled: bool, token: str, status: int | None) -> None:
    with configured(authmw=RULES):
        assert connect(path, token)[0].get("status") == (status if ruled else None)


@pytest.mark.parametrize("token", ["", "bad", "reader"])
def test_a_websocket_that_is_left_alone_keeps_the_user_that_its_scope_has(token: str) -> None:
    from django.contrib.auth.models import AnonymousUser, User

    for user in (User(username="of-session"), AnonymousUser()):
        with configured(authmw={"leave": ["/live"]}):
            accepted, text = connect("/live", token, user=user)[:2]
        assert accepted["type"] == "websocket.accept"
        assert text["text"] == f"{user.get_username()} {user.is_authenticated} "
    with configured(authmw={"leave": ["/other"]}):
        assert connect("/live", "reader", user=AnonymousUser())[1]["text"] == "reader True reader"


@pytest.mark.parametrize(
    "setting, shown",
    [
        ({}, True),
        ({"hide_credentials": True}, False),
        ({"hide_credentials": True, "leave": ["/live"]}, True),
    ],
)
def test_credentials_are_taken_out_of_the_scope_of_a_websocket(setting: dict[str, Any], shown: bool) -> None:
    seen: list[Any] = []

    async def notes(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"authorization"))
        await send({"type": "websocket.close", "code": 1000})

    with configured(authmw=setting):
        connect("/live", "reader", app=WebsocketMiddleware(notes))
    assert seen == [b"Bearer reader" if shown else None]


def test_the_guard_of_websockets_has_every_setting_of_the_project() -> None:
    given = {**RULES, "leave": ["/left/*"], "public": ["/open/*"], "default": "allow", "preflights": "application"}
    with configured(authmw={**given, "hide_credentials": True, "end_connections": False}):
        guard, of_project = WebsocketMiddleware(make_application()), checked_configuration()
    assert guard.guard_settings == of_project.guard_settings
    assert {*given} == {*GUARD}
    assert (guard.hidden is not None, guard.end_connections) == (True, False)


def test_http_goes_on_as_before() -> None:
    from tests.adapters.django.asking import ask

    assert ask("asgi", "/orders", "reader", app=make_application()).status == 200
    assert ask("asgi", "/orders", app=make_application()).status == 401
