"""Open connections under ASGI end with the credentials that opened them, and no others do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal, current_principal
from authmw.asgi import AuthMiddleware
from authmw.asgi.open_connection import OpenConnection, Receiving
from authmw.asgi.timer import timer_here
from authmw.engine.open_connections import ConnectionEnded
from authmw.errors import StoreUnavailable
from authmw.flow.pool import Signal
from authmw.http.request import Message, Receive, Scope, Send
from authmw.identity.validity import Ending
from authmw.stores.records import Revocation
from authmw.testing import FakeClock
from tests.connections import CAUSES, EXPIRES, LEEWAY, LIFETIME, Peer, Table, World, look, play, scope, turns, watched

LIBRARIES: Final = ("asyncio", "trio")
EVENTS: Final = (b"content-type", b"text/event-stream; charset=utf-8")
TEXT: Final = (b"content-type", b"text/plain")
WHY: Final = "the credentials that opened the connection do not hold any more"
CLOSED: Final = {"type": "websocket.close", "code": 1008, "reason": WHY}
LOOKING: Final = "authmw.engine.open_connections.LONGEST_PAUSE"

every_cause = pytest.mark.parametrize("cause", [*CAUSES, EXPIRES])
every_library = pytest.mark.parametrize("library", LIBRARIES)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket that answers each message with the name of its caller."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"{current_principal().id} {message['text']}"})


class Feeds:
    """An application that sends a part whenever the test says so, and notes how it ended."""

    def __init__(self, *headers: tuple[bytes, bytes], listens: bool = False, **start: Any) -> None:
        self.headers = list(headers)
        self.start = start
        self.listens = listens
        self.heard: list[Message] = []
        self.raised: list[BaseException] = []
        self.next: Signal | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.headers, **self.start})
        if self.listens:
            self.heard.append(await receive())
            return
        try:
            for number in range(100):
                self.next = Signal()
                await self.next.wait()
                await send({"type": "http.response.body", "body": b"%d;" % number, "more_body": True})
        except OSError as error:
            self.raised.append(error)
            raise

    async def make(self, parts: int = 1) -> None:
        for _ in range(parts):
            assert self.next is not None
            self.next.give()
            await turns()


@every_library
@every_cause
def test_a_websocket_is_closed_and_its_application_receives_that(cause: str, library: str) -> None:
    world, heard = World(), list[Message]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        heard.append(await receive())
        heard.append(await receive())

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(app, world.auth)
        alice = await table.open(guarded, scope(world.token(), "websocket"))
        bob = await table.open(guarded, scope(world.token("bob", lifetime=2 * LIFETIME, client="app"), "websocket"))
        await look()
        assert (alice.kinds, watched()) == (["websocket.accept"], 2)
        world.end_alice(cause)
        await look()
        assert alice.sent[1:] == [CLOSED]
        assert heard == [{"type": "websocket.disconnect", "code": 1008, "reason": WHY}] * 2
        assert (alice.is_done, alice.outcome) == (True, None)
        assert (bob.kinds, bob.is_done, watched()) == (["websocket.accept"], False, 1)

    play(main, library)


@every_library
@every_cause
def test_an_event_stream_ends_as_if_the_application_had_ended_it(cause: str, library: str) -> None:
    world, feeds, others = World(), Feeds(EVENTS), Feeds(EVENTS)

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(feeds, world.auth), scope(world.token()))
        token = world.token("bob", lifetime=2 * LIFETIME, client="app")
        bob = await table.open(AuthMiddleware(others, world.auth), scope(token))
        await feeds.make()
        await others.make()
        world.end_alice(cause)
        await look()
        assert (alice.body, alice.is_complete) == (b"0;", True)
        await feeds.make()
        await others.make()
        assert [type(error).__mro__[1:3] for error in feeds.raised] == [(ConnectionAbortedError, ConnectionError)]
        assert (alice.body, alice.is_done, alice.outcome) == (b"0;", True, None)
        assert (bob.body, bob.is_complete) == (b"0;1;", False)

    play(main, library)


@every_library
def test_an_event_stream_ends_before_its_first_event_and_wakes_who_listens(library: str) -> None:
    world, feeds = World(), Feeds(EVENTS, listens=True)

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(feeds, world.auth), scope(world.token()))
        world.end_alice("the session ends")
        await look()
        assert (alice.is_complete, alice.is_done, feeds.heard) == (True, True, [{"type": "http.disconnect"}])

    play(main, library)


def test_trailers_that_were_announced_are_ended_too() -> None:
    world, feeds = World(), Feeds(EVENTS, trailers=True)

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(feeds, world.auth), scope(world.token()))
        world.end_alice("the session ends")
        await look()
        assert alice.kinds == ["http.response.start", "http.response.body", "http.response.trailers"]
        assert alice.sent[2] == {"type": "http.response.trailers", "headers": [], "more_trailers": False}

    play(main)


@every_cause
def test_another_response_is_cut_so_that_the_client_can_tell(cause: str) -> None:
    world, feeds = World(), Feeds(TEXT)

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(feeds, world.auth), scope(world.token()))
        await feeds.make(2)
        world.end_alice(cause)
        await look()
        assert (alice.body, alice.is_done) == (b"0;1;", False)
        await feeds.make()
        # The server sees an application that has returned too early, and closes the connection.
        assert (alice.body, alice.is_complete, alice.is_done, alice.outcome) == (b"0;1;", False, True, None)

    play(main)


@every_cause
def test_a_response_that_is_sent_from_files_is_cut_too(cause: str) -> None:
    world, waiting = World(), list[Signal]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
        await send({"type": "http.response.zerocopysend", "file": 3, "more_body": True})
        waiting.append(Signal())
        await waiting[0].wait()
        await send({"type": "http.response.zerocopysend", "file": 4, "more_body": True})

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token()))
        assert (alice.kinds[1:], watched()) == (["http.response.zerocopysend"], 1)
        world.end_alice(cause)
        await look()
        waiting[0].give()
        await turns()
        assert (alice.kinds[1:], alice.is_done, alice.outcome) == (["http.response.zerocopysend"], True, None)

    play(main)


@every_cause
def test_a_response_with_a_length_is_cut_for_a_revocation_only(cause: str) -> None:
    world, feeds = World(), Feeds(TEXT, (b"content-length", b"1000"))

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(feeds, world.auth), scope(world.token()))
        await feeds.make()
        world.end_alice(cause)
        await look()
        await feeds.make()
        assert alice.body == (b"0;1;" if cause == EXPIRES else b"0;")
        assert alice.is_done is (cause != EXPIRES)

    play(main)


def test_nothing_ends_before_the_verifier_refuses_the_token() -> None:
    world = World(revocations=False)

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(echo, world.auth)
        token = world.token()
        alice = await table.open(guarded, scope(token, "websocket"))
        world.advance(LIFETIME + LEEWAY - 0.5)
        await look()
        late = await table.open(guarded, scope(token, "websocket"))
        assert (alice.kinds, late.kinds) == (["websocket.accept"], ["websocket.accept"])
        world.advance(0.5)
        await look()
        refused = await table.open(guarded, scope(token, "websocket"))
        assert (alice.sent[1:], late.sent[1:], refused.kinds) == ([CLOSED], [CLOSED], ["websocket.close"])

    play(main)


def test_a_store_that_is_away_for_a_moment_ends_nothing_and_one_that_stays_away_ends_all() -> None:
    world = World()

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(echo, world.auth)
        alice = await table.open(guarded, scope(world.token(), "websocket"))
        world.kept.is_away = True
        world.advance(30.5)
        await look()
        assert (alice.kinds, world.feed.starts > 0) == (["websocket.accept"], True)
        world.kept.is_away = False
        world.feed.follow_once()
        world.kept.is_away = True
        world.advance(30.5)
        await look()
        assert alice.kinds == ["websocket.accept"]
        world.advance(0.5)
        await look()
        assert alice.sent[1:] == [CLOSED]

    play(main)


def test_a_revocation_that_was_read_before_the_store_went_away_ends_a_connection_at_once() -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        world.kept.is_away = True
        world.advance(5.0)
        world.feed.note(Revocation.of_user("alice", world.clock()))
        await look()
        assert alice.sent[1:] == [CLOSED]

    play(main)


def test_what_was_revoked_between_the_verdict_and_the_accept_is_closed() -> None:
    world, may_accept = World(), list[Signal]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        may_accept.append(Signal())
        await may_accept[0].wait()
        await echo(scope, receive, send)

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(app, world.auth)
        alice = await table.open(guarded, scope(world.token(), "websocket"))
        world.publish(Revocation.of_user("alice", world.clock()))
        may_accept[0].give()
        await turns()
        await look()
        assert alice.sent[1:] == [CLOSED]

    play(main)


@every_library
def test_a_message_that_is_being_sent_goes_first(library: str) -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        gate = alice.gate = Signal()
        alice.say({"type": "websocket.receive", "text": "hello"})
        await turns()
        world.end_alice("the user is disabled")
        await look()
        assert alice.kinds == ["websocket.accept"]
        alice.gate = None
        gate.give()
        await turns()
        assert alice.sent[1:] == [{"type": "websocket.send", "text": "alice hello"}, CLOSED]
        assert (alice.is_done, alice.outcome) == (True, None)

    play(main, library)


@every_library
def test_the_server_sees_the_close_before_the_application_returns(library: str) -> None:
    world, go = World(), list[Signal]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        go.append(Signal())
        await go[0].wait()

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        gate = alice.gate = Signal()
        world.end_alice("the user is disabled")
        await look()
        go[0].give()
        await turns()
        assert (alice.kinds, alice.is_done) == (["websocket.accept"], False)
        gate.give()
        await turns()
        assert (alice.sent[1:], alice.is_done) == ([CLOSED], True)

    play(main, library)


def test_a_client_that_has_gone_meanwhile_is_no_failure() -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        alice.failure = ConnectionResetError("gone")
        world.end_alice("the user is disabled")
        await look()
        assert (alice.is_done, alice.outcome) == (True, None)

    play(main)


def test_a_connection_that_the_application_has_ended_is_left_alone() -> None:
    world, go = World(), list[Signal]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        go.append(Signal())
        await go[0].wait()

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        assert watched() == 0
        world.end_alice("the user is disabled")
        await look()
        assert alice.sent[1:] == [{"type": "websocket.close", "code": 4000}]

    play(main)


def test_an_application_that_hangs_up_hears_its_own_message_no_more() -> None:
    """What is sent after the end is dropped by an error, and its `finally` runs."""
    world, seen = World(), list[str]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                message = await receive()
                seen.append(message["type"])
                await send({"type": "websocket.send", "text": "more"})
        finally:
            seen.append("cleaned up")

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        world.end_alice("the user is disabled")
        await look()
        assert (alice.sent[1:], alice.is_done, alice.outcome) == ([CLOSED], True, None)
        assert seen == ["websocket.disconnect", "cleaned up"]

    play(main)


def _own_error(error: OSError) -> BaseException:
    return ValueError("a mistake")


def _in_a_group(error: OSError) -> BaseException:
    return ExceptionGroup("of tasks", [ValueError("first"), error])


def _translated(error: OSError) -> BaseException:
    """As Starlette translates it into ``ClientDisconnect``."""
    translated = RuntimeError("the client has gone")
    translated.__context__ = error
    return translated


@pytest.mark.parametrize(
    "raised, leaves", [(_own_error, True), (_in_a_group, False), (_translated, False)], ids=["own", "group", "context"]
)
def test_only_the_error_of_the_end_stays_inside(raised: Callable[[OSError], BaseException], leaves: bool) -> None:
    world, made = World(), list[BaseException]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        caught: OSError | None = None
        try:
            await send({"type": "websocket.send", "text": "more"})
        except OSError as error:
            caught = error
        assert caught is not None
        made.append(raised(caught))
        raise made[0]

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        world.end_alice("the user is disabled")
        await look()
        assert (alice.is_done, alice.outcome) == (True, made[0] if leaves else None)

    play(main)


def test_a_cancellation_from_outside_is_one_also_while_the_application_waits() -> None:
    world = World()

    async def main(table: Table) -> None:
        peer = Peer(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        peer.say({"type": "websocket.connect"})
        task = asyncio.create_task(peer.run())
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert watched() == 0

    play(main)


def test_a_cancellation_from_outside_at_the_moment_of_the_end_stays_one() -> None:
    world = World()

    async def main(table: Table) -> None:
        peer = Peer(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        peer.say({"type": "websocket.connect"})
        task = asyncio.create_task(peer.run())
        await turns()
        peer.failure = ConnectionResetError("gone")
        world.end_alice("the user is disabled")
        timer = timer_here()
        assert timer is not None
        timer.connections.look()
        await asyncio.sleep(0)  # the goodbye is said, and wakes the application
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    play(main)


def test_who_waits_under_a_timeout_of_its_own_still_may() -> None:
    world, heard = World(), list[object]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            async with asyncio.timeout(0.001):
                await receive()
        except TimeoutError:
            heard.append("nothing")
        heard.append((await receive())["type"])

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        while not heard:
            await asyncio.sleep(0.001)
        world.end_alice("the user is disabled")
        await look()
        assert (heard, alice.outcome) == (["nothing", "websocket.disconnect"], None)

    play(main)


@pytest.mark.parametrize("header", [None, b"Bearer t0ken"], ids=["nobody", "no time and no feed"])
def test_who_has_nothing_that_ends_is_not_touched(header: bytes | None) -> None:
    auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    started: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        started.append(scope)
        await Feeds(EVENTS)(scope, receive, send)

    async def main(table: Table) -> None:
        made = scope(None)
        made["headers"] = [] if header is None else [(b"authorization", header)]
        await table.open(AuthMiddleware(app, auth, public=["/"]), made)
        assert (len(started), watched()) == (1, 0)

    play(main)


def test_a_public_websocket_of_nobody_is_not_touched() -> None:
    world = World()

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(echo, world.auth, public=["/"])
        stranger = await table.open(guarded, scope(None, "websocket"))
        caller = await table.open(guarded, scope(world.token(), "websocket"))
        world.kept.is_away = True
        world.advance(10_000)
        await look()
        assert (stranger.kinds, caller.sent[1:]) == (["websocket.accept"], [CLOSED])

    play(main)


def test_it_can_be_switched_off() -> None:
    world, feeds = World(), Feeds(EVENTS)

    async def main(table: Table) -> None:
        off: Mapping[str, Any] = {"end_connections": False}
        socket = await table.open(AuthMiddleware(echo, world.auth, **off), scope(world.token(), "websocket"))
        stream = await table.open(AuthMiddleware(feeds, world.auth, **off), scope(world.token()))
        world.publish(Revocation.of_user("alice", world.clock()))
        world.advance(LIFETIME + LEEWAY)
        await feeds.make()
        assert watched() == 0
        assert (socket.kinds, stream.body, stream.is_complete) == (["websocket.accept"], b"0;", False)

    play(main)


def test_an_ordinary_response_is_looked_after_by_nobody() -> None:
    world, counts = World(), list[int]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
        counts.append(watched())
        await send({"type": "http.response.body", "body": b"all of it"})

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(app, world.auth), scope(world.token()))
        assert (alice.is_complete, alice.is_done, counts) == (True, True, [0])

    play(main)


def test_a_denial_that_is_sent_in_parts_is_no_websocket() -> None:
    world = World()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": [EVENTS]})
        await send({"type": "websocket.http.response.body", "body": b"no", "more_body": True})
        assert watched() == 0
        await send({"type": "websocket.http.response.body", "body": b"t you"})

    async def main(table: Table) -> None:
        made = scope(world.token(), "websocket", extensions={"websocket.http.response": {}})
        alice = await table.open(AuthMiddleware(app, world.auth), made)
        assert (alice.body, alice.outcome) == (b"not you", None)

    play(main)


@pytest.mark.parametrize("ended", ["outer", "inner"])
def test_of_two_guards_the_first_whose_caller_ends_ends_the_connection(ended: str) -> None:
    worlds = {"outer": World(), "inner": World()}

    async def main(table: Table) -> None:
        inner = AuthMiddleware(echo, Auth(APIKeyHeader("X-Token", _key_of(worlds["inner"]))))
        made = scope(worlds["outer"].token(), "websocket")
        made["headers"].append((b"x-token", b"alice"))
        alice = await table.open(AuthMiddleware(inner, worlds["outer"].auth), made)
        assert watched() == 2
        worlds[ended].advance(LIFETIME + LEEWAY)
        await look()
        assert (alice.sent[1:], alice.is_done, alice.outcome, watched()) == ([CLOSED], True, None, 0)

    play(main)


def _key_of(world: World) -> Any:
    from authmw.identity.validity import Validity
    from authmw.identity.verdict import Authenticated

    class Keys:
        def verify(self, credentials: Any, request: Any) -> Authenticated:
            return Authenticated(
                Principal(credentials.key), validities=(Validity(world.clock() + LIFETIME, world.clock),)
            )

    return Keys()


def test_the_log_says_who_and_why(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(echo, world.auth)
        await table.open(guarded, scope(world.token(), "websocket"))
        world.publish(Revocation.of_user("alice", world.clock()))
        await look()
        await table.open(guarded, scope(world.token("bob"), "websocket"))
        world.advance(LIFETIME + LEEWAY)
        await look()

    with caplog.at_level(logging.INFO, "authmw.audit"):
        play(main)
    said = [record.getMessage() for record in caplog.records if " closed " in record.getMessage()]
    assert said == [
        f"authmw closed why=revoked principal=alice credential={world.ids['alice']} client=192.0.2.7 path=/",
        f"authmw closed why=expired principal=bob credential={world.ids['bob']} client=192.0.2.7 path=/",
    ]


# The timer


@every_library
def test_one_timer_runs_from_the_first_connection_to_the_last(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOOKING, 0.01)
    world = World()

    async def main(table: Table) -> None:
        guarded = AuthMiddleware(echo, world.auth)
        peers = [await table.open(guarded, scope(world.token(), "websocket")) for _ in range(3)]
        timer = timer_here()
        world.end_alice("the session ends")
        while not all(peer.is_done for peer in peers):
            await _pass(library)
        assert [peer.sent[1:] for peer in peers] == [[CLOSED]] * 3
        while timer_here() is timer:
            await _pass(library)
        again = await table.open(guarded, scope(world.token("bob"), "websocket"))
        world.publish(Revocation.of_user("bob", world.clock()))
        while not again.is_done:
            await _pass(library)

    play(main, library)


async def _pass(library: str) -> None:
    import trio

    await (asyncio.sleep(0.002) if library == "asyncio" else trio.sleep(0.002))


@every_library
def test_a_clock_that_fails_is_logged_once_and_the_other_connections_end_in_time(
    library: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(LOOKING, 0.01)
    world, broken = World(), World()

    def read(clock: FakeClock) -> float:
        if clock is broken.clock:
            raise RuntimeError("no clock")
        return clock.now

    async def main(table: Table) -> None:
        stuck = await table.open(AuthMiddleware(echo, broken.auth), scope(broken.token(), "websocket"))
        alice = await table.open(AuthMiddleware(echo, world.auth), scope(world.token(), "websocket"))
        monkeypatch.setattr(FakeClock, "__call__", read)
        await _pass(library)
        world.publish(Revocation.of_user("alice", world.clock()))
        while not alice.is_done:
            await _pass(library)
        for _ in range(20):
            await _pass(library)
        assert stuck.kinds == ["websocket.accept"]

    with caplog.at_level(logging.ERROR, "authmw.audit"):
        play(main, library)
    assert [record.getMessage() for record in caplog.records] == [
        "authmw could not look after open connections cause=RuntimeError"
    ]


def test_the_timer_keeps_no_context_of_a_request() -> None:
    from contextvars import ContextVar, copy_context

    seen: list[object] = []
    of_request: ContextVar[str] = ContextVar("of_request", default="none")
    world = World()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        of_request.set("alice's")
        await echo(scope, receive, send)

    async def main(table: Table) -> None:
        peer = Peer(AuthMiddleware(app, world.auth), scope(world.token(), "websocket"))
        send = peer.send

        async def noting(message: Message) -> None:
            seen.append((message["type"], of_request.get(), any(each is not None for each in copy_context().values())))
            await send(message)

        peer.send = noting  # type: ignore[method-assign]
        peer.say({"type": "websocket.connect"})
        task = asyncio.create_task(peer.run())
        await turns()
        world.end_alice("the session ends")
        await look()
        await task

    play(main)
    assert seen == [("websocket.accept", "alice's", True), ("websocket.close", "none", False)]


def test_without_an_event_loop_each_message_is_looked_at() -> None:
    world, sent = World(), list[Message]()
    waiting: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "a"}]
    waiting += [{"type": "websocket.receive", "text": "b"}]

    async def receive() -> Message:
        if len(waiting) == 1:
            world.end_alice("the user is disabled")
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    coroutine = AuthMiddleware(echo, world.auth)(scope(world.token(), "websocket"), receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert [each["type"] for each in sent] == ["websocket.accept", "websocket.send", "websocket.close"]


def test_a_store_that_fails_while_it_is_asked_is_still_a_503() -> None:
    """The feed is not fresh: the store is asked for the verdict, as before."""
    world = World()
    world.kept.is_away = True

    def find(keys: Any) -> Any:
        raise StoreUnavailable("away")

    world.kept.find_revocations = find  # type: ignore[method-assign]
    world.advance(5)

    async def main(table: Table) -> None:
        alice = await table.open(AuthMiddleware(Feeds(EVENTS), world.auth), scope(world.token()))
        assert alice.sent[0]["status"] == 503

    play(main)


def test_only_a_connection_that_was_ended_causes_such_an_error() -> None:
    async def send(_: Message) -> None: ...
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    def note(_: object) -> None: ...

    connection = OpenConnection("http", (), {}, has_trailers=False, send=send, receiving=Receiving(receive), noted=note)
    error = ConnectionEnded()
    assert not connection.caused(error)
    connection.ending = Ending.REVOKED
    assert connection.caused(error)
    assert not connection.caused(ConnectionAbortedError())
    first, second = OSError("first"), OSError("second")
    first.__context__, second.__context__ = second, first
    assert not connection.caused(first), "a circle ends too"
