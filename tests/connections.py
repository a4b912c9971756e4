"""Connections whose credentials end, with clocks and revocations that a test sets, and peers of ASGI applications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from authmw import Auth, HTTPBearer, JWTVerifier, KeyRing, issue
from authmw.asgi.timer import timer_here
from authmw.crypto.jose import base64url
from authmw.errors import StoreUnavailable
from authmw.flow.pool import Signal
from authmw.http.request import Message, Scope
from authmw.stores import MemoryRevocations
from authmw.stores.records import Revocation, RevocationPage
from authmw.stores.revocation_feed import RevocationFeed
from authmw.testing import FakeClock

LEEWAY: Final = 30
LIFETIME: Final = 600
EXPIRES: Final = "the token expires"
NAMES: Final[dict[str, Any]] = {"issuer": "https://id.example", "audience": "orders"}


class _Feed(RevocationFeed):
    """A feed without its thread."""

    starts = 0

    def _start(self) -> None:
        self.starts += 1


class Kept(MemoryRevocations):
    """Revocations in memory that may be away."""

    is_away = False

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        if self.is_away:
            raise StoreUnavailable("away")
        return super().revocations_after(cursor, limit)


class World:
    """An `Auth` for signed tokens, its clocks, and its revocations."""

    def __init__(self, *, bound: float = 1.0, revocations: bool = True) -> None:
        self.clock, self.monotonic = FakeClock(), FakeClock(50.0)
        self.kept = Kept(clock=self.clock)
        self.feed = _Feed(self.kept, bound=bound, clock=self.clock, monotonic=self.monotonic)
        self.feed.follow_once()
        self.keys = KeyRing.generate()
        self.verifier = JWTVerifier(
            self.keys,
            **NAMES,
            clock=self.clock,
            leeway=LEEWAY,
            revocations=self.feed if revocations else None,
        )
        self.auth = Auth(HTTPBearer(self.verifier), clock=self.clock)
        self.ids: dict[str, str] = {}
        """The id of the last token of each user."""

    def token(self, user: str = "alice", *, lifetime: float = LIFETIME, client: str = "web", **more: Any) -> str:
        """A token of `user`, whose session has its name."""
        claims = {"sid": f"sid-{user}", **more}
        token = issue(
            user, keys=self.keys, **NAMES, lifetime=lifetime, client_id=client, claims=claims, clock=self.clock
        )
        self.ids[user] = json.loads(base64url.decode(token.split(".")[1].encode()) or b"{}")["jti"]
        return token

    def end_alice(self, cause: str) -> None:
        """Let the credentials of alice end."""
        if cause == EXPIRES:
            self.advance(LIFETIME + LEEWAY)
        else:
            self.publish(CAUSES[cause](self))

    def publish(self, revocation: Revocation) -> None:
        """Publish a revocation, which this process reads."""
        self.kept.publish(revocation)
        self.feed.follow_once()

    def advance(self, seconds: float) -> None:
        """Let time pass. The store of revocations is read meanwhile, if it is there."""
        self.clock.advance(seconds)
        self.monotonic.advance(seconds)
        if not self.kept.is_away:
            self.feed.follow_once()


CAUSES: Final[dict[str, Callable[[World], Revocation]]] = {
    "the token is revoked": lambda world: Revocation.of_token(world.ids["alice"], world.clock(), world.clock() + 900),
    "the session ends": lambda world: Revocation.of_family("sid-alice", world.clock()),
    "the user is disabled": lambda world: Revocation.of_user("alice", world.clock()),
    "the client is disabled": lambda world: Revocation.of_client("web", world.clock()),
}
"""What ends connections of alice before their time, and no other."""


def scope(token: str | None, kind: str = "http", **more: Any) -> Scope:
    """The scope of a connection."""
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "scheme": "http" if kind == "http" else "ws",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.7", 1),
        "server": ("localhost", 80),
        **more,
    }


class Peer:
    """The other end of one ASGI connection: client and server."""

    def __init__(self, app: Any, made: Scope) -> None:
        self._app = app
        self._scope = made
        self.sent: list[Message] = []
        self.gate: Signal | None = None
        """While it is set, a message that is sent waits for it."""
        self.failure: Exception | None = None
        """What sending raises."""
        self.waits = False
        """The application waits for a message."""
        self.outcome: BaseException | None = None
        self.is_done = False
        self._inbox: list[Message] = []
        self._arrived: Signal | None = None

    async def receive(self) -> Message:
        """What the application receives, as from a server."""
        while not self._inbox:
            self._arrived = Signal()
            self.waits = True
            try:
                await self._arrived.wait()
            finally:
                self.waits = False
        return self._inbox.pop(0)

    async def send(self, message: Message) -> None:
        """What the application sends, as to a server."""
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)

    def say(self, message: Message) -> None:
        """Let the application receive a message."""
        self._inbox.append(message)
        if self._arrived is not None:
            self._arrived.give()

    async def run(self) -> None:
        """Run the application to its end."""
        try:
            await self._app(self._scope, self.receive, self.send)
        except Exception as error:
            self.outcome = error
        finally:
            self.is_done = True

    @property
    def kinds(self) -> list[str]:
        """The types of what was sent."""
        return [each["type"] for each in self.sent]

    @property
    def body(self) -> bytes:
        """The body that was sent."""
        return b"".join(each.get("body", b"") for each in self.sent)

    @property
    def is_complete(self) -> bool:
        """Whether the response was sent to its end."""
        return any(each["type"] == "http.response.body" and not each.get("more_body") for each in self.sent)


class Table:
    """Runs several connections at once, in a task each."""

    def __init__(self, spawn: Callable[[Callable[[], Awaitable[None]]], Any]) -> None:
        self._spawn = spawn

    async def open(self, app: Any, made: Scope) -> Peer:
        """A connection whose application has had its turn."""
        peer = Peer(app, made)
        if made["type"] == "websocket":
            peer.say({"type": "websocket.connect"})
        self._spawn(peer.run)
        await turns()
        return peer


async def turns() -> None:
    """Let every task have its turn, several times."""
    for _ in range(30):
        await (asyncio.sleep(0) if _is_asyncio() else trio.lowlevel.checkpoint())


async def look() -> None:
    """What the timer does, now."""
    timer = timer_here()
    assert timer is not None
    timer.connections.look()
    await turns()


def watched() -> int:
    """The number of connections that the timer of this loop looks after."""
    timer = timer_here()
    assert timer is not None
    return len(timer.connections)


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def play(main: Callable[[Table], Awaitable[None]], library: str = "asyncio") -> None:
    """Run a test with connections under asyncio or trio. What still runs in the end is cancelled."""

    async def under_asyncio() -> None:
        tasks: list[asyncio.Task[None]] = []

        def spawn(run: Any) -> None:
            tasks.append(asyncio.create_task(run()))

        try:
            await main(Table(spawn))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def under_trio() -> None:
        async with trio.open_nursery() as nursery:
            await main(Table(nursery.start_soon))
            nursery.cancel_scope.cancel()

    asyncio.run(under_asyncio()) if library == "asyncio" else trio.run(under_trio)
