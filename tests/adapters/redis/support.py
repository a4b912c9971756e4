"""What the tests of the stores in Redis share: where it is, what is kept there, and servers of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from uuid import uuid4

import redis
from authmw_redis import AsyncRedisStores, RedisStores

from authmw.crypto.opaque_tokens import new_id, token_digest
from authmw.stores.ports import Answer
from authmw.stores.records import RefreshFamily, Rotation, TokenRecord
from authmw.stores.session_records import BrowserSession, Pending, Renewal
from tests.support import require

T = TypeVar("T")

URL: Final = os.environ.get("AUTHMW_TEST_REDIS", "redis://127.0.0.1:6379/0")
DAY: Final = 86_400.0


def now(answer: Answer[T]) -> T:
    """What a verb of a sync store answered, which is no awaitable."""
    return cast("T", answer)


def new_prefix() -> str:
    """A prefix that no other test has."""
    return f"test_{uuid4().hex[:12]}"


@contextmanager
def stores(**options: Any) -> Generator[RedisStores]:
    """Stores with a prefix of their own, whose keys are removed in the end."""
    require("redis")
    prefix = options.setdefault("prefix", new_prefix())
    kept = RedisStores(URL, **options)
    try:
        yield kept
    finally:
        kept.close()
        drop(prefix)


@contextmanager
def async_stores(**options: Any) -> Generator[AsyncRedisStores]:
    """The same for asyncio. An event loop that ends closes its connections by itself."""
    require("redis")
    prefix = options.setdefault("prefix", new_prefix())
    kept = AsyncRedisStores(URL, **options)
    try:
        yield kept
    finally:
        kept.sync.close()
        drop(prefix)


@contextmanager
def client(url: str = URL) -> Generator[Any]:
    """A client that sees everything."""
    kind: Any = redis.Redis
    opened = kind.from_url(url)
    try:
        yield opened
    finally:
        opened.close()


def keys_of(prefix: str, url: str = URL) -> list[str]:
    """All keys of a test."""
    with client(url) as sees:
        found = cast("Iterator[bytes]", sees.scan_iter(match=f"*{prefix}:*", count=1000))
        return sorted({key.decode() for key in found})


def drop(prefix: str) -> None:
    """Remove all keys of a test."""
    keys = keys_of(prefix)
    with client() as sees:
        for start in range(0, len(keys), 1000):
            sees.delete(*keys[start : start + 1000])


def a_token(**changes: Any) -> tuple[str, TokenRecord]:
    """A token, made now, and its record."""
    token = new_id("at") + new_id("x")
    made = time.time()
    values: dict[str, Any] = {
        "id": new_id("tok"),
        "digest": token_digest(token),
        "subject": "usr_1",
        "expires_at": made + 600,
        "client_id": "shop",
        "created_at": made,
    }
    return token, TokenRecord(**(values | changes))


def a_family(**changes: Any) -> RefreshFamily:
    """A family, begun now."""
    family_id = new_id("fam")
    begun = time.time()
    values: dict[str, Any] = {
        "id": family_id,
        "key": token_digest(f"key of {family_id}"),
        "current": token_digest(f"first of {family_id}"),
        "subject": "usr_1",
        "username": "alice",
        "client_id": "shop",
        "scopes": frozenset({"orders:read"}),
        "created_at": begun,
        "expires_at": begun + 30 * DAY,
        "idle_until": begun + 14 * DAY,
    }
    return RefreshFamily(**(values | changes))


def a_rotation(family: RefreshFamily, **changes: Any) -> Rotation:
    """The current token of `family`, presented a minute after it was begun."""
    values: dict[str, Any] = {
        "key": family.key,
        "presented": family.current,
        "successor": token_digest(new_id("next")),
        "salt": token_digest(new_id("salt")),
        "client_id": family.client_id,
        "now": family.created_at + 60,
        "idle_until": family.created_at + 60 + 14 * DAY,
    }
    return Rotation(**(values | changes))


def a_session(**changes: Any) -> BrowserSession:
    """A browser session, begun now."""
    session_id = new_id("sid")
    begun = time.time()
    values: dict[str, Any] = {
        "id": session_id,
        "key": token_digest(f"key of {session_id}"),
        "current": token_digest(f"first of {session_id}"),
        "subject": "usr_1",
        "scopes": frozenset({"orders:read"}),
        "created_at": begun,
        "authenticated_at": begun,
        "expires_at": begun + 30 * DAY,
        "idle_for": DAY,
        "idle_until": begun + DAY,
        "last_used_at": begun,
    }
    return BrowserSession(**(values | changes))


def a_renewal(session: BrowserSession, **changes: Any) -> Renewal:
    """The current value of `session`, presented a minute after it was begun."""
    values: dict[str, Any] = {
        "key": session.key,
        "presented": session.current,
        "successor": token_digest(new_id("next")),
        "salt": token_digest(new_id("salt")),
        "now": session.created_at + 60,
        "scopes": session.scopes,
    }
    return Renewal(**(values | changes))


def a_pending(**changes: Any) -> Pending:
    """A link to a new password, good for ten minutes."""
    values: dict[str, Any] = {
        "digest": token_digest(new_id("secret")),
        "kind": "recovery",
        "subject": "usr_1",
        "expires_at": time.time() + 600,
        "data": {"step": "1"},
    }
    return Pending(**(values | changes))


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


class RedisServer:
    """A Redis of its own, which can be stopped and started again.

    Args:
        folder: where it writes.
        settings: as on its command line, without the dashes.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        require("redis-server")
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = free_port()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None
        settings = [word if at % 2 else f"--{word}" for at, word in enumerate(self._settings)]
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *settings],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        with client(self.url) as sees:
            while time.monotonic() < deadline:
                with suppress(redis.ConnectionError):
                    sees.ping()
                    return
                time.sleep(0.02)
        self.stop()
        raise TimeoutError("redis-server did not start")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
