"""The options of connections fit the installed release of redis-py, whichever pyproject.toml allows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from authmw_redis import AsyncRedisStores, RedisStores

from authmw.flow.flow import Ask, Flow, run, run_async
from authmw.stores import StoreUnavailable
from authmw.stores.records import TokenRecord

URLS = ["redis://127.0.0.1:1", "rediss://127.0.0.1:1", "unix:///nowhere/redis.sock"]


def found(kept: RedisStores | AsyncRedisStores) -> Flow[TokenRecord | None]:
    find: Any = kept.tokens.find_token
    token: TokenRecord | None = yield from Ask(find, "0" * 64)
    return token


@pytest.mark.parametrize("url", URLS)
def test_a_connection_takes_the_options_and_fails_because_nothing_listens(url: str) -> None:
    kept = RedisStores(url)
    with pytest.raises(StoreUnavailable, match=r"raised ConnectionError"):
        run(found(kept))
    kept.close()


@pytest.mark.parametrize("url", URLS)
def test_a_connection_of_an_event_loop_takes_them_too(url: str) -> None:
    async def main() -> None:
        kept = AsyncRedisStores(url)
        with pytest.raises(StoreUnavailable, match=r"raised ConnectionError"):
            await run_async(found(kept))
        await kept.aclose()

    asyncio.run(main())
