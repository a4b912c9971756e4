"""All stores in Redis, as one: called, or awaited."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw_redis.families import RedisFamilies
from authmw_redis.health import concerns
from authmw_redis.names import Names
from authmw_redis.nonces import RedisNonces
from authmw_redis.revocations import RedisRevocations
from authmw_redis.server import AsyncServer, AsyncTarget, Server, Target
from authmw_redis.throttle import RedisThrottle
from authmw_redis.tokens import RedisTokenAdmin, RedisTokens


class RedisStores:
    """What is short-lived, in Redis or Valkey: ``TokenVerifier(RedisStores("redis://localhost").tokens)``.

    Every key expires. What is kept has to stay until then: a Redis that evicts keys, or forgets them at a restart,
    forgets revocations; `check` tells. No verb takes much longer than two seconds, and one that cannot be answered
    raises, which is a 503; nothing has to be restarted once Redis is back.

    Under ASGI each question is asked on a thread: `AsyncRedisStores` does without.

    Args:
        target: a URL, as ``redis://:password@host:6379/0``, ``rediss://…`` or ``unix://…``, whose query may set any
            option of redis-py; or a client of the application, `redis.Redis` or `redis.RedisCluster`, with its own
            timeouts. Give such a client no retries: a claim sent twice is taken for a replay.
        prefix: what all keys begin with.
        clock: seconds since the epoch.
        free: attempts without any wait, of the throttle.
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
        clock: Callable[[], float] = time.time,
        free: int = 10,
        first: float = 1.0,
        longest: float = 900.0,
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

    def check(self) -> list[str]:
        """A sentence for each setting of the server that would lose what it was given; none if all is well."""
        return concerns(self._server.client)

    def close(self) -> None:
        """Close every connection, but those of the application's own client. Using the stores again opens new ones."""
        self._server.close()


class AsyncRedisStores:
    """The same as `RedisStores`, awaited, on asyncio: for ASGI.

    Args:
        target: a URL, for any number of event loops; or a client of the application, `redis.asyncio.Redis` or
            `redis.asyncio.RedisCluster`, for its own.
        sync: the same server as a client for threads, which follow the revocations; needed beside a client.
        prefix: what all keys begin with.
        clock: seconds since the epoch.
        free: attempts without any wait, of the throttle.
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
        clock: Callable[[], float] = time.time,
        free: int = 10,
        first: float = 1.0,
        longest: float = 900.0,
    ) -> None:
        self._server = AsyncServer(target)
        twin = target if isinstance(target, str) and sync is None else sync
        if twin is None:
            raise ConfigurationError("beside a client, give the same server for threads: sync=redis.Redis(...)")
        self.sync: RedisStores = RedisStores(twin, prefix=prefix, clock=clock, free=free, first=first, longest=longest)
        """The same stores, called."""
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

    async def aclose(self) -> None:
        """Close the connections of this event loop and of `sync`, but not the application's own.

        Each event loop closes its own when it ends by `asyncio.run`, as servers end theirs.
        """
        await self._server.aclose()
        self.sync.close()
