"""Stores in Redis: opaque tokens, refresh families, browser sessions, nonces, throttles and revocations."""

from typing import TYPE_CHECKING

try:
    import redis as redis
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_redis needs redis-py: pip install "authmw[redis]"', name="redis") from _error

from authmw.errors import face
from authmw_redis.stores import AsyncRedisStores, RedisStores

__all__ = [
    "AsyncRedisStores",
    "RedisStores",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
