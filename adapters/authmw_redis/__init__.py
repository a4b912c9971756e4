"""Where short-lived records live: opaque tokens, refresh families, nonces, throttles and revocations in Redis."""

try:
    import redis as redis
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_redis needs redis-py: pip install "authmw[redis]"', name="redis") from _error
