"""Throttle in Redis: counts of attempts to guess, and the sources that accounts were used from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authmw.stores.ports import Answer
from authmw.stores.throttling import ThrottlePolicy
from authmw_redis.commands import KEEP_LATEST, Command, Script, Steps, ask, milliseconds, number
from authmw_redis.names import Names
from authmw_redis.server import Runner

# The arithmetic of `authmw.stores.throttling`, in Lua. A test compares the two.
_WAIT_AFTER: Final = """
local free, first, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function wait_after(attempts)
  if attempts < free then return 0 end
  -- Beyond 2 ^ 64 there is nothing left to double.
  return math.min(first * 2 ^ math.min(attempts - free, 64), longest)
end
local kept = redis.call('HMGET', KEYS[1], 'attempts', 'not_before')
local attempts, not_before = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
local function keep()
  redis.call('HSET', KEYS[1], 'attempts', attempts, 'not_before', string.format('%.17g', not_before))
end
"""

_ATTEMPT: Final = Script(f"""
{_WAIT_AFTER}
local now = tonumber(ARGV[4])
-- If a clock was set back, no wait may become longer than `longest`. Within the free attempts nobody waits.
local wait = math.min(not_before - now, longest)
if wait > 0 and attempts >= free then
  not_before = now + wait
else
  if -wait >= longest then attempts = 0 end
  attempts = attempts + 1
  wait = 0
  not_before = now + wait_after(attempts)
end
keep()
redis.call('PEXPIRE', KEYS[1], math.ceil((not_before - now + longest) * 1000) + tonumber(ARGV[5]))
return string.format('%.17g', wait)
""")

_SUCCEEDED: Final = Script(f"""
{_WAIT_AFTER}
if attempts == 0 then return 0 end
not_before = not_before - wait_after(attempts)
attempts = attempts - 1
keep()
return 1
""")


class RedisThrottle:
    """Slows down guessing (`Throttle`), by the rules of `authmw.stores.throttling`, and remembers familiar sources.

    Each count is kept under the hash of its name, for twice the longest wait at most, and takes some hundred bytes. So
    memory is bounded by the number of attempts in that time.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch, for `remember_source`.
        free: attempts without any wait.
        first: seconds of the first wait.
        longest: seconds of the longest wait. After that long without an attempt, a key counts from 0 again.
    """

    def __init__(
        self,
        server: Runner,
        names: Names,
        *,
        clock: Callable[[], float],
        free: int = 10,
        first: float = 1.0,
        longest: float = 900.0,
    ) -> None:
        ThrottlePolicy("RedisThrottle", free=free, first=first, longest=longest)
        self._run = server.run
        self._names = names
        self._clock = clock
        self._policy = (free, first, longest)

    def attempt(self, key: str, now: float) -> Answer[float]:
        """Count one attempt. Returns the seconds to wait; 0.0 means go ahead."""
        return self._run(self._attempt(key, now))

    def succeeded(self, key: str) -> Answer[None]:
        """Take back one attempt, which was no guess. Attempts of others on the account, or from the source, stay."""
        return self._run(self._succeeded(key))

    def remember_source(self, pair: str, until: float) -> Answer[None]:
        """Keep `pair`, an account and a source, until then."""
        return self._run(self._remember(pair, until))

    def knows_source(self, pair: str, now: float) -> Answer[bool]:
        """Whether `pair` is kept."""
        return self._run(self._knows(pair, now))

    def _attempt(self, key: str, now: float) -> Steps[float]:
        args = (*self._policy, repr(float(now)), milliseconds(0.0, 0.0))
        return float((yield from ask(_ATTEMPT(self._names.hashed("throttle", key), args=args))))

    def _succeeded(self, key: str) -> Steps[None]:
        yield from ask(_SUCCEEDED(self._names.hashed("throttle", key), args=self._policy))

    def _remember(self, pair: str, until: float) -> Steps[None]:
        lifetime = milliseconds(until, self._clock())
        yield from ask(
            KEEP_LATEST(self._names.hashed("familiar", pair), args=(repr(float(until)), lifetime), repeatable=True)
        )

    def _knows(self, pair: str, now: float) -> Steps[bool]:
        until = number((yield from ask(Command(("GET", self._names.hashed("familiar", pair))))))
        return until is not None and now < until
