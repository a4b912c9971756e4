"""Where short-lived records live: opaque tokens, refresh families, nonces, throttles and revocations in Redis."""

try:
    import redis as redis
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_redis needs redis-py: pip install "authmw[redis]"', name="redis") from _error

from authmw_redis.families import RedisFamilies
from authmw_redis.nonces import RedisNonces
from authmw_redis.revocations import RedisRevocations
from authmw_redis.stores import AsyncRedisStores, RedisStores
from authmw_redis.throttle import RedisThrottle
from authmw_redis.tokens import RedisTokenAdmin, RedisTokens

__all__ = [
    "AsyncRedisStores",
    "RedisFamilies",
    "RedisNonces",
    "RedisRevocations",
    "RedisStores",
    "RedisThrottle",
    "RedisTokenAdmin",
    "RedisTokens",
]
