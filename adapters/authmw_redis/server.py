"""Drivers of the steps: `Server` calls Redis, `AsyncServer` awaits it on asyncio. Nothing else differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from functools import partial
from inspect import signature
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import redis
import redis.asyncio
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from authmw.errors import ConfigurationError
from authmw.flow.breaker import Breaker
from authmw.flow.drive import drive, drive_async
from authmw.stores.ports import Answer
from authmw_redis.commands import Batch, Steps, Words

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 0.5
"""Seconds in which a connection has to be made."""
TIMEOUT: Final = 1.0
"""Seconds in which Redis has to reply; under load, also those to wait for a connection."""
_HEALTH_CHECK: Final = 30
"""Seconds after which an idle connection is tested before it is used: a firewall may have dropped it."""
_ASYNC_CONNECTIONS: Final = 64
"""Connections of one event loop. The number of threads is bounded by itself, the number of tasks is not."""


Target: TypeAlias = str | redis.Redis | redis.RedisCluster
"""A URL, or a client of the application."""
AsyncTarget: TypeAlias = str | redis.asyncio.Redis | redis.asyncio.RedisCluster
"""The same for asyncio."""


class Runner(Protocol):
    """Runs steps."""

    def run(self, steps: Steps[T], /) -> Answer[T]:
        """The result of the steps."""
        ...


class Server:
    """Runs steps by calling. A pool of connections serves all threads; a forked process opens its own.

    Args:
        target: a URL, or a client of the application.
    """

    def __init__(self, target: Target) -> None:
        self._owns_client = isinstance(target, str)
        self.client: Any = _client(target) if isinstance(target, str) else _checked(target, asynchronous=False)
        probe: Callable[[], object] = partial(_ping, target) if isinstance(target, str) else self._ask_given
        self.breaker: Breaker = Breaker("Redis", probe, is_answer=_is_answer)
        """Refuses steps while the server is silent. The stores for asyncio share it, if they have the same URL."""

    def run(self, steps: Steps[T]) -> T:
        """The result of the steps."""
        self.breaker.admit()
        try:
            with self.breaker.watch():
                return drive(
                    steps,
                    lambda step: self._batch(step) if isinstance(step, Batch) else self.client.execute_command(*step),
                )
        except redis.TimeoutError:
            if self._owns_client:  # the idle connections would time out too, one after the other
                self.client.connection_pool.disconnect(inuse_connections=False)
            raise

    def close(self) -> None:
        """Close every connection, but not those of the application's client. Using it again opens new ones."""
        self.breaker.close()
        if self._owns_client:
            self.client.close()

    def _ask_given(self) -> None:
        """Ask the server anything, by the client of the application."""
        self.client.ping()

    def _batch(self, batch: Batch) -> list[Any]:
        if _is_cluster(self.client):
            return [self._one(words) for words in batch.commands]
        with self.client.pipeline(transaction=False) as pipeline:
            for words in batch.commands:
                pipeline.execute_command(*words)
            replies: list[Any] = pipeline.execute(raise_on_error=False)
            return replies

    def _one(self, words: Words) -> Any:
        try:
            return self.client.execute_command(*words)
        except RedisError as error:
            return _as_reply(error)


class AsyncServer:
    """Runs steps by awaiting, on asyncio.

    A connection belongs to the event loop on which it was opened, so each loop gets a client of its own. The client is
    held by an async generator: `asyncio.run` ends the generators of its loop, and that closes the client.

    Args:
        target: a URL, or a client of the application, which can then be used on one event loop only.
    """

    def __init__(self, target: AsyncTarget) -> None:
        self.breaker: Breaker = Breaker("Redis", is_answer=_is_answer)
        """Refuses steps while the server is silent."""
        self._url = target if isinstance(target, str) else None
        self._given: Any = None if isinstance(target, str) else _checked(target, asynchronous=True)
        self._clients: dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[Any, None]]] = {}
        if self._url is not None:
            _checked_url(self._url)

    def run(self, steps: Steps[T]) -> Awaitable[T]:
        """The result of the steps, to be awaited."""
        return self._run(steps)

    async def _run(self, steps: Steps[T]) -> T:
        await self.breaker.admit_async()
        client = await self._client() if self._given is None else self._given
        try:
            with self.breaker.watch():
                return await drive_async(
                    steps,
                    lambda step: _batch(client, step) if isinstance(step, Batch) else client.execute_command(*step),
                )
        except redis.TimeoutError:
            if self._given is None:  # the idle connections would time out too, one after the other
                await client.connection_pool.disconnect(inuse_connections=False)
            raise

    async def aclose(self) -> None:
        """Close the connections of this event loop. Using it again opens new ones."""
        known = self._clients.get(asyncio.get_running_loop())
        if known is not None:
            await known[1].aclose()

    async def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        known = self._clients.get(loop)
        if known is not None:
            return known[0]
        client = _async_client(self._url or "")
        lifetime = self._lifetime(loop, client)
        # The generator awaits nothing before its first yield, so no other task runs in between.
        await anext(lifetime)
        self._clients[loop] = client, lifetime
        return client

    async def _lifetime(self, loop: asyncio.AbstractEventLoop, client: Any) -> AsyncGenerator[Any, None]:
        try:
            yield client
        finally:
            self._clients.pop(loop, None)
            await client.aclose()


async def _batch(client: Any, batch: Batch) -> list[Any]:
    if _is_cluster(client):
        return [await _one(client, words) for words in batch.commands]
    async with client.pipeline(transaction=False) as pipeline:
        for words in batch.commands:
            pipeline.execute_command(*words)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies


async def _one(client: Any, words: Words) -> Any:
    try:
        return await client.execute_command(*words)
    except RedisError as error:
        return _as_reply(error)


def _as_reply(error: RedisError) -> RedisError:
    """`error`, if it is a reply of the server; otherwise it is raised."""
    if isinstance(error, redis.ResponseError):
        return error
    raise error


def _is_answer(error: BaseException) -> bool:
    """Whether an exception is a reply of the server."""
    return isinstance(error, redis.ResponseError)


def _ping(url: str) -> None:
    """Ask the server anything, on a new connection: the others may be lost."""
    client: Any = _client(url)
    with closing(client):
        client.ping()


def _is_cluster(client: object) -> bool:
    # The cluster clients of redis-py do not pipeline scripts.
    return isinstance(client, redis.RedisCluster | redis.asyncio.RedisCluster)


def _client(url: str) -> redis.Redis:
    _checked_url(url)
    pools: Any = redis.ConnectionPool
    return redis.Redis.from_pool(pools.from_url(url, retry=Retry(NoBackoff(), 0), **_options(redis.Connection)))


class _Pool(redis.asyncio.BlockingConnectionPool):
    """A pool that notices before its use that an idle connection was reset.

    redis-py looks for the end of the stream only, which a server that crashes or a firewall does not send.
    """

    async def ensure_connection(self, connection: Any) -> None:
        """Connect `connection` anew if it broke while it was idle."""
        reader: asyncio.StreamReader | None = getattr(connection, "_reader", None)
        if reader is not None and reader.exception() is not None:
            await connection.disconnect(nowait=True)
        await super().ensure_connection(connection)


def _async_client(url: str) -> redis.asyncio.Redis:
    pools: Any = _Pool
    pool = pools.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 0),
        max_connections=_ASYNC_CONNECTIONS,
        timeout=TIMEOUT,
        **_options(Connection),
    )
    return redis.asyncio.Redis.from_pool(pool)


def _options(connection: type) -> dict[str, Any]:
    """The options of a client. It sends nothing a second time by itself: `commands.ask` decides that.

    Args:
        connection: the class of its connections.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": TIMEOUT,
        "health_check_interval": _HEALTH_CHECK,
    }
    if _takes(connection, "maint_notifications_config"):
        from redis.maint_notifications import MaintNotificationsConfig

        # While it expects such notifications, redis-py does not notice that an idle connection was closed.
        options["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return options


def _takes(connection: type, option: str) -> bool:
    """Whether a connection takes an option. From release to release of redis-py, the classes differ in that."""
    made = [vars(each).get("__init__") for each in connection.__mro__]
    return any(option in signature(each).parameters for each in made if callable(each) and each is not object.__init__)


def _checked_url(url: str) -> None:
    pools: Any = redis.ConnectionPool
    try:
        pools.from_url(url)
    except ValueError:
        # The URL is not repeated: it may hold a password.
        raise ConfigurationError("RedisStores takes a URL: write RedisStores('redis://localhost:6379/0')") from None


def _checked(client: object, *, asynchronous: bool) -> object:
    kinds = (redis.asyncio.Redis, redis.asyncio.RedisCluster) if asynchronous else (redis.Redis, redis.RedisCluster)
    if isinstance(client, kinds):
        return client
    name, module = ("AsyncRedisStores", "redis.asyncio") if asynchronous else ("RedisStores", "redis")
    raise ConfigurationError(f"{name} takes a URL or a {module}.Redis, not {type(client).__name__}")
