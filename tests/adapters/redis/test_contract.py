"""The stores in Redis keep the contract, called and awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager

import pytest
from authmw_redis import AsyncRedisStores, RedisStores
from authmw_redis.families import RedisFamilies
from authmw_redis.nonces import RedisNonces
from authmw_redis.pending import RedisPending
from authmw_redis.revocations import RedisRevocations
from authmw_redis.sessions import RedisSessions
from authmw_redis.throttle import RedisThrottle
from authmw_redis.tokens import RedisTokens

from authmw.testing.contract import (
    FamilyStoreContract,
    NonceStoreContract,
    PendingStoreContract,
    RevocationStoreContract,
    SessionStoreContract,
    ThrottleContract,
    TokenStoreContract,
)
from tests.adapters.patience import patience
from tests.adapters.redis.support import URL, drop
from tests.support import require

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def _redis() -> None:
    require("redis")


@contextmanager
def opened(namespace: str) -> Generator[RedisStores]:
    with patience(), closing(RedisStores(URL, prefix=namespace, free=ThrottleContract.free)) as stores:
        yield stores


@asynccontextmanager
async def awaited(namespace: str) -> AsyncGenerator[AsyncRedisStores]:
    with patience():
        async with aclosing(AsyncRedisStores(URL, prefix=namespace, free=ThrottleContract.free)) as stores:
            yield stores


@contextmanager
def tokens(namespace: str) -> Generator[RedisTokens]:
    with opened(namespace) as stores:
        yield stores.tokens


@asynccontextmanager
async def async_tokens(namespace: str) -> AsyncGenerator[RedisTokens]:
    async with awaited(namespace) as stores:
        yield stores.tokens


@contextmanager
def families(namespace: str) -> Generator[RedisFamilies]:
    with opened(namespace) as stores:
        yield stores.families


@asynccontextmanager
async def async_families(namespace: str) -> AsyncGenerator[RedisFamilies]:
    async with awaited(namespace) as stores:
        yield stores.families


@contextmanager
def sessions(namespace: str) -> Generator[RedisSessions]:
    with opened(namespace) as stores:
        yield stores.sessions


@asynccontextmanager
async def async_sessions(namespace: str) -> AsyncGenerator[RedisSessions]:
    async with awaited(namespace) as stores:
        yield stores.sessions


@contextmanager
def pending(namespace: str) -> Generator[RedisPending]:
    with opened(namespace) as stores:
        yield stores.pending


@asynccontextmanager
async def async_pending(namespace: str) -> AsyncGenerator[RedisPending]:
    async with awaited(namespace) as stores:
        yield stores.pending


@contextmanager
def nonces(namespace: str) -> Generator[RedisNonces]:
    with opened(namespace) as stores:
        yield stores.nonces


@asynccontextmanager
async def async_nonces(namespace: str) -> AsyncGenerator[RedisNonces]:
    async with awaited(namespace) as stores:
        yield stores.nonces


@contextmanager
def throttle(namespace: str) -> Generator[RedisThrottle]:
    with opened(namespace) as stores:
        yield stores.throttle


@asynccontextmanager
async def async_throttle(namespace: str) -> AsyncGenerator[RedisThrottle]:
    async with awaited(namespace) as stores:
        yield stores.throttle


@contextmanager
def revocations(namespace: str) -> Generator[RedisRevocations]:
    with opened(namespace) as stores:
        yield stores.revocations


@asynccontextmanager
async def async_revocations(namespace: str) -> AsyncGenerator[RedisRevocations]:
    async with awaited(namespace) as stores:
        yield stores.revocations


class InRedis:
    """What is left there is removed."""

    def drop(self, namespace: str) -> None:
        drop(namespace)


class TestTokens(InRedis, TokenStoreContract):
    factory = f"{__name__}:tokens"


class TestAsyncTokens(InRedis, TokenStoreContract):
    factory = f"{__name__}:async_tokens"


class TestFamilies(InRedis, FamilyStoreContract):
    factory = f"{__name__}:families"


class TestAsyncFamilies(InRedis, FamilyStoreContract):
    factory = f"{__name__}:async_families"


class TestSessions(InRedis, SessionStoreContract):
    factory = f"{__name__}:sessions"


class TestAsyncSessions(InRedis, SessionStoreContract):
    factory = f"{__name__}:async_sessions"


class TestPending(InRedis, PendingStoreContract):
    factory = f"{__name__}:pending"


class TestAsyncPending(InRedis, PendingStoreContract):
    factory = f"{__name__}:async_pending"


class TestNonces(InRedis, NonceStoreContract):
    factory = f"{__name__}:nonces"


class TestAsyncNonces(InRedis, NonceStoreContract):
    factory = f"{__name__}:async_nonces"


class TestThrottle(InRedis, ThrottleContract):
    factory = f"{__name__}:throttle"


class TestAsyncThrottle(InRedis, ThrottleContract):
    factory = f"{__name__}:async_throttle"


class TestRevocations(InRedis, RevocationStoreContract):
    factory = f"{__name__}:revocations"


class TestAsyncRevocations(InRedis, RevocationStoreContract):
    factory = f"{__name__}:async_revocations"
