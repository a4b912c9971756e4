"""Nonces in Redis, and other values that may be used only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authmw.stores.ports import Answer
from authmw.stores.records import Claim
from authmw_redis.commands import Script, Steps, ask, milliseconds
from authmw_redis.names import Names
from authmw_redis.server import Runner

_CLAIM: Final = Script("""
local highest = redis.call('GET', KEYS[1])
if highest and tonumber(ARGV[1]) <= tonumber(highest) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1])))
return 1
""")


class RedisNonces:
    """Remembers the highest count that was used of each nonce (`NonceStore`).

    A claim whose reply is lost is a 503, and stays claimed.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch; the same as the verifier's.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def claim_nonce(self, nonce: str, count: int, expires_at: float) -> Answer[Claim]:
        """Claim `count` of `nonce`: FRESH once, for a count above all claimed before, else REPLAYED."""
        return self._run(self._claim(nonce, count, expires_at))

    def _claim(self, nonce: str, count: int, expires_at: float) -> Steps[Claim]:
        now = self._clock()
        if expires_at <= now:
            return Claim.REPLAYED  # an earlier claim may have expired too
        key = self._names.hashed("nonce", nonce)
        fresh = yield from ask(_CLAIM(key, args=(count, milliseconds(expires_at, now))))
        return Claim.FRESH if fresh else Claim.REPLAYED
