"""Opener of the stores at a URL, found through the entry point ``authmw.stores``."""

from __future__ import annotations

from typing import Any

from authmw_redis.stores import AsyncRedisStores, RedisStores


def open_stores(url: str, /, *, asynchronous: bool, **options: Any) -> RedisStores | AsyncRedisStores:
    """The stores in the Redis at `url`."""
    return AsyncRedisStores(url, **options) if asynchronous else RedisStores(url, **options)
