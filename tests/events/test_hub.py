"""The one hook: no listener harms a request, whatever it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from authmw import Auth, ConfigurationError, HTTPBearer, Principal, current_principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.events import Event, Revoked, on_event
from authmw.events.hub import Hub, hub
from authmw.wsgi import AuthMiddleware
from tests.requests import wsgi_request
from tests.support import fresh_python


def alice(token: str) -> Principal | None:
    return Principal("alice") if token == "good" else None


AUTH = Auth(HTTPBearer(alice))


def ask_wsgi(token: str) -> str:
    """The status of a request."""
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return []

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "HTTP_AUTHORIZATION": f"Bearer {token}"}

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:
        seen.append(status)

    list(AuthMiddleware(app, AUTH)(environ, start))
    return seen[0][:3]


def ask_asgi(token: str) -> str:
    """The same on an event loop."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        seen.append(str(message.get("status", "")))

    async def receive() -> Any: ...

    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": headers}
    asyncio.run(ASGIMiddleware(app, AUTH)(scope, receive, send))
    return seen[0]


both = pytest.mark.parametrize("ask", [ask_wsgi, ask_asgi], ids=["wsgi", "asgi"])
Ask = Callable[[str], str]


@both
def test_a_listener_is_told_of_each_request(ask: Ask, told: list[Event]) -> None:
    assert (ask("good"), ask("bad"), ask("good")) == ("200", "401", "200")
    assert [event.name for event in told] == ["authenticated", "refused", "authenticated"]
    assert told[0].fields()["principal"] == "alice"
    assert told[1].fields()["code"] == "authmw.token-unknown"


@both
def test_a_listener_that_blocks_for_ever_harms_no_request(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    free, called = threading.Event(), threading.Event()

    def block(event: Event) -> None:
        called.set()
        free.wait()

    stop = on_event(block)
    try:
        assert [ask("good"), ask("bad")] == ["200", "401"]
        assert called.wait(10)
        for _ in range(3000):  # more than wait for one listener
            hub.emit(Revoked(kind="token", id="t"))
        assert [ask("good"), ask("bad")] == ["200", "401"]
        assert not hub.flush(0.0)
    finally:
        free.set()
        stop()
    dropped = [message for message in caplog.messages if "events are dropped" in message]
    assert len(dropped) == 1
    assert "block is too slow" in dropped[0]


@both
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "queued"])
def test_a_listener_that_raises_harms_no_request_and_is_logged_once(
    ask: Ask, inline: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Event) -> None:
        raise KeyError("s3cret") if event.name == "refused" else ValueError("s3cret")

    stop = on_event(fail, inline=inline)
    try:
        assert [ask(token) for token in ("good", "bad") * 3] == ["200", "401"] * 3
        assert hub.flush(10)
    finally:
        stop()
    raised = [record.getMessage() for record in caplog.records if record.name == "authmw.events"]
    assert ["ValueError" in raised[0], "KeyError" in raised[1]] == [True, True]
    assert len(raised) == 2
    assert f"{__file__}:" in raised[0]
    assert "s3cret" not in caplog.text


def test_a_blocked_listener_keeps_no_other_from_its_events() -> None:
    free, got = threading.Event(), threading.Event()
    stops = [on_event(lambda _: free.wait()), on_event(lambda _: got.set())]
    try:
        hub.emit(Revoked(kind="token", id="t"))
        assert got.wait(10)
    finally:
        free.set()
        for stop in stops:
            stop()


def test_events_come_in_order_and_in_the_context_in_which_they_happened() -> None:
    variable: ContextVar[int] = ContextVar("variable")
    seen: list[tuple[str, int, str]] = []
    stop = on_event(
        lambda event: seen.append((str(event.fields()["id"]), variable.get(), threading.current_thread().name))
    )
    for number in range(50):
        variable.set(number)
        hub.emit(Revoked(kind="token", id=str(number)))
    assert hub.flush(10)
    stop()
    assert seen == [(str(number), number, "authmw-events") for number in range(50)]


def test_a_listener_finds_nobody_as_its_caller_after_the_request() -> None:
    free, seen = threading.Event(), list[bool]()

    def listen(event: Event) -> None:
        free.wait(10)
        seen.append(current_principal().is_authenticated)

    stop = on_event(listen)
    ask_wsgi("good")
    free.set()
    assert hub.flush(10)
    stop()
    assert seen == [False]


def test_without_a_listener_no_event_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Event] = []

    def emit(_: Hub, event: Event) -> None:
        made.append(event)

    monkeypatch.setattr(Hub, "emit", emit)
    assert not hub.listening
    assert (ask_wsgi("good"), ask_asgi("bad")) == ("200", "401")
    assert made == []


def test_what_a_listener_causes_is_no_event() -> None:
    seen: list[str] = []

    def listen(event: Event) -> None:
        seen.append(event.name)
        AUTH.authenticate(wsgi_request(authorization="Bearer bad"))

    for inline in (True, False):
        stop = on_event(listen, inline=inline)
        ask_wsgi("bad")
        assert hub.flush(10)
        stop()
    assert seen == ["refused", "refused"]


def test_a_listener_that_was_taken_out_is_told_nothing() -> None:
    seen: list[Event] = []
    stop = on_event(seen.append)
    stop()
    stop()
    ask_wsgi("bad")
    assert (seen, hub.listening) == ([], False)


def test_what_is_no_listener_is_refused_with_the_fix() -> None:
    async def listen(event: Event) -> None: ...

    class Listener:
        async def __call__(self, event: Event) -> None: ...

    for wrong in (listen, Listener()):
        with pytest.raises(ConfigurationError, match="needs a plain function"):
            on_event(wrong)
    with pytest.raises(ConfigurationError, match=r"on_event\(print\)"):
        on_event("print")  # type: ignore[arg-type]
    assert not hub.listening


PROGRAM = """
import os, sys
from authmw.events import Revoked, on_event
from authmw.events.hub import hub
on_event(lambda event: os.write(1, f"{event.id}\\n".encode()))
"""


@pytest.mark.slow
def test_a_process_that_ends_tells_of_what_happened_until_then() -> None:
    ran = fresh_python("-c", PROGRAM + "for n in range(100): hub.emit(Revoked(kind='token', id=str(n)))")
    assert ran.stdout.split() == [str(number) for number in range(100)]


@pytest.mark.slow
def test_a_process_that_ends_does_not_wait_for_ever() -> None:
    block = "import threading\non_event(lambda _: threading.Event().wait())\nhub.emit(Revoked(kind='token', id='last'))"
    ran = fresh_python("-c", PROGRAM + block, timeout=30)
    assert (ran.returncode, ran.stdout) == (0, "last\n")


@pytest.mark.slow
def test_after_a_fork_parent_and_child_tell_of_their_own_events() -> None:
    fork = """
hub.emit(Revoked(kind="token", id="before"))
assert hub.flush(10)
child = os.fork()
hub.emit(Revoked(kind="token", id="parent" if child else "child"))
assert hub.flush(10)
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    os._exit(0)
"""
    ran = fresh_python("-W", "ignore", "-c", PROGRAM + fork)
    assert ran.stderr == ""
    assert sorted(ran.stdout.split()) == ["before", "child", "parent"]
