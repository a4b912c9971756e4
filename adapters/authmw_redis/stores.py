"""All stores in one Redis, as one object: `RedisStores` for threads, `AsyncRedisStores` for asyncio."""

from __future__ import annotations

from collections.abc import Callable

import redis

from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw_redis.families import RedisFamilies
from authmw_redis.health import concerns
from authmw_redis.names import Names
from authmw_redis.nonces import RedisNonces
from authmw_redis.pending import RedisPending
from authmw_redis.revocations import RedisRevocations
from authmw_redis.server import AsyncServer, AsyncTarget, Server, Target
from authmw_redis.sessions import RedisSessions
from authmw_redis.throttle import RedisThrottle
from authmw_redis.tokens import RedisTokenAdmin, RedisTokens


@explains_arguments('RedisStores("redis://...")')
class RedisStores:
    """Stores of short-lived records in Redis or Valkey: ``TokenVerifier(RedisStores("redis://localhost").tokens)``.

    Every key expires, and has to stay until then: a Redis that evicts keys, or loses them at a restart, loses
    revocations. `check` finds such settings. No method takes much longer than two seconds. If Redis does not answer,
    the method raises, and the request gets a 503; nothing has to be restarted once Redis is back.

    Under ASGI each call runs on a thread; `AsyncRedisStores` needs none.

    Args:
        target: a URL, as ``redis://:password@host:6379/0``, ``rediss://…`` or ``unix://…``, whose query may set any
            option of redis-py; or a client of the application, `redis.Redis` or `redis.RedisCluster`, with its own
            timeouts. Give such a client no retries: the use of a nonce sent twice is taken for a replay.
        prefix: the beginning of all keys.
        clock: seconds since the epoch.
        free: attempts without any wait, in the throttle.
        first: seconds of its first wait.
        longest: seconds of its longest wait.

    Raises:
        ConfigurationError: what is wrong with an argument.
    """

    def __init__(
        self,
        target: Target,
        *,
        prefix: str = "authmw",
        clock: Callable[[], float] = now,
        free: int = 10,
        first: Seconds = 1.0,
        longest: Seconds = 900.0,
    ) -> None:
        self._server = Server(target)
        names = Names(prefix)
        self.tokens: RedisTokenAdmin = RedisTokenAdmin(self._server, names, clock=clock)
        self.families: RedisFamilies = RedisFamilies(self._server, names, clock=clock)
        self.nonces: RedisNonces = RedisNonces(self._server, names, clock=clock)
        self.throttle: RedisThrottle = RedisThrottle(
            self._server, names, clock=clock, free=free, first=first, longest=longest
        )
        self.revocations: RedisRevocations = RedisRevocations(self._server, names, clock=clock)
        self.sessions: RedisSessions = RedisSessions(self._server, names, clock=clock)
        self.pending: RedisPending = RedisPending(self._server, names, clock=clock)

    def check(self) -> list[str]:
        """A sentence for each setting of the server that would lose records; empty if there is none."""
        return concerns(self._server.client)

    def close(self) -> None:
        """Close every connection, but those of the application's own client. Using the stores again opens new ones."""
        self._server.close()


@explains_arguments('AsyncRedisStores("redis://...")')
class AsyncRedisStores:
    """The stores of `RedisStores` for ASGI on asyncio, with methods to await.

    Args:
        target: a URL, for any number of event loops; or a client of the application, `redis.asyncio.Redis` or
            `redis.asyncio.RedisCluster`, for its own event loop.
        sync: a blocking client of the same server, for the threads that follow revocations; needed if `target` is a
            client.
        prefix: the beginning of all keys.
        clock: seconds since the epoch.
        free: attempts without any wait, in the throttle.
        first: seconds of its first wait.
        longest: seconds of its longest wait.

    Raises:
        ConfigurationError: what is wrong with an argument.
    """

    def __init__(
        self,
        target: AsyncTarget,
        *,
        sync: redis.Redis | redis.RedisCluster | None = None,
        prefix: str = "authmw",
        clock: Callable[[], float] = now,
        free: int = 10,
        first: Seconds = 1.0,
        longest: Seconds = 900.0,
    ) -> None:
        self._server = AsyncServer(target)
        twin = target if isinstance(target, str) and sync is None else sync
        if twin is None:
            raise ConfigurationError("with a client, give a blocking one of the same server too: sync=redis.Redis(...)")
        self.sync: RedisStores = RedisStores(twin, prefix=prefix, clock=clock, free=free, first=first, longest=longest)
        """The same stores for threads."""
        if twin is target:  # the server of both
            self._server.breaker = self.sync._server.breaker  # pyright: ignore[reportPrivateUsage]
        names = Names(prefix)
        self.tokens: RedisTokens = CallMode.ASYNC(RedisTokens(self._server, names, clock=clock))
        self.families: RedisFamilies = CallMode.ASYNC(RedisFamilies(self._server, names, clock=clock))
        self.nonces: RedisNonces = CallMode.ASYNC(RedisNonces(self._server, names, clock=clock))
        self.throttle: RedisThrottle = CallMode.ASYNC(
            RedisThrottle(self._server, names, clock=clock, free=free, first=first, longest=longest)
        )
        self.revocations: RedisRevocations = CallMode.ASYNC(
            RedisRevocations(self._server, names, clock=clock, sync=self.sync.revocations)
        )
        self.sessions: RedisSessions = CallMode.ASYNC(RedisSessions(self._server, names, clock=clock))
        self.pending: RedisPending = CallMode.ASYNC(RedisPending(self._server, names, clock=clock))

    async def aclose(self) -> None:
        """Close the connections of this event loop and of `sync`, but not the application's own.

        An event loop closes its own connections when it ends by `asyncio.run`, as that of a server does.
        """
        await self._server.aclose()
        self.sync.close()
