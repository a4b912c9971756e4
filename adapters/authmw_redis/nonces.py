"""Nonces in Redis, and other values that may be used only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authmw.stores.ports import Answer
from authmw.stores.records import NonceUse
from authmw_redis.commands import Script, Steps, ask, milliseconds
from authmw_redis.names import Names
from authmw_redis.server import Runner

_USE: Final = Script("""
local highest = redis.call('GET', KEYS[1])
if highest and tonumber(ARGV[1]) <= tonumber(highest) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1])))
return 1
""")


class RedisNonces:
    """Remembers the highest count that was used of each nonce (`NonceStore`).

    A use whose reply is lost is a 503, and the count stays used.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch; the same as the verifier's.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> Answer[NonceUse]:
        """Use `count` of `nonce`: FRESH once, for a count above all used before, else REPLAYED."""
        return self._run(self._use(nonce, count, expires_at))

    def _use(self, nonce: str, count: int, expires_at: float) -> Steps[NonceUse]:
        now = self._clock()
        if expires_at <= now:
            return NonceUse.REPLAYED  # an earlier use may have expired too
        key = self._names.hashed("nonce", nonce)
        fresh = yield from ask(_USE(key, args=(count, milliseconds(expires_at, now))))
        return NonceUse.FRESH if fresh else NonceUse.REPLAYED
