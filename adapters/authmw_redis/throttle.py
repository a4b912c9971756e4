"""Throttle in Redis: counts of attempts to guess, and what accounts are familiar with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.durations import Seconds
from authmw.stores.ports import Answer
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import (
    BUSY,
    HOLD,
    MAX_MARKS,
    MAX_NETWORKS,
    PATIENCE,
    SERVED_FOR,
    TURN,
    Pace,
    ThrottlePolicy,
)
from authmw_redis.commands import SLACK, Command, Script, Steps, ask, ask_all, text
from authmw_redis.names import Names
from authmw_redis.server import Runner

# The arithmetic of `authmw.stores.throttling`, in Lua. A test compares the two. A count is kept packed:
# {failed, not_before, held, turns}, a turn {network, served, asked, until}.
_PACE: Final = f"""
local HOLD, TURN, PATIENCE, SERVED_FOR = {HOLD}, {TURN}, {PATIENCE}, {SERVED_FOR}
local MAX_NETWORKS, BUSY, SLACK = {MAX_NETWORKS}, {BUSY}, {SLACK}
local function pace(at)
  return {{free = tonumber(ARGV[at]), first = tonumber(ARGV[at + 1]), longest = tonumber(ARGV[at + 2]),
    forget = tonumber(ARGV[at + 3]), by_turns = ARGV[at + 4] == '1'}}
end
local function current(key, pace, now)
  local packed = redis.call('GET', key)
  local kept = packed and cmsgpack.unpack(packed) or {{0, 0, {{}}, {{}}}}
  local count = {{failed = kept[1], not_before = math.min(kept[2], now + pace.longest), held = {{}}, turns = {{}}}}
  if now - count.not_before >= pace.forget then count.failed = 0 end
  for _, hold in ipairs(kept[3]) do
    if now < hold and hold <= now + 2 * HOLD then table.insert(count.held, hold) end
  end
  for _, turn in ipairs(kept[4]) do
    local network, served, asked, hold = unpack(turn)
    local last = hold
    if hold == 0 then last = served end
    if now - last < SERVED_FOR then
      if hold ~= 0 and not (now < hold and hold <= now + 2 * (TURN + PATIENCE)) then
        served, asked, hold = math.min(hold, now), 0, 0
      end
      table.insert(count.turns, {{network, served, asked, hold}})
    end
  end
  return count
end
local function keep(key, pace, count, now)
  local ends = count.not_before + pace.forget
  for _, hold in ipairs(count.held) do ends = math.max(ends, hold) end
  for _, turn in ipairs(count.turns) do ends = math.max(ends, (turn[4] ~= 0 and turn[4] or turn[2]) + SERVED_FOR) end
  if count.failed == 0 and #count.held == 0 and #count.turns == 0 then
    redis.call('DEL', key)
  else
    local packed = cmsgpack.pack({{count.failed, count.not_before, count.held, count.turns}})
    redis.call('SET', key, packed, 'PX', math.max(1, math.ceil((ends - now + SLACK) * 1000)))
  end
end
local function before(one, other)
  if one[2] ~= other[2] then return one[2] < other[2] end
  if one[3] ~= other[3] then return one[3] < other[3] end
  return one[1] < other[1]
end
local function exact(number) return string.format('%.17g', number) end
"""

_RESERVE: Final = Script(f"""
{_PACE}
local now, network, holds = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local key, at, mark, known_until = KEYS[1], 4, '', 0
for number = 3, #KEYS do
  local known = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[11 + number]) or '0')
  if known > now then
    key, at, mark, known_until = KEYS[number], 9, ARGV[11 + number], known
    break
  end
end
local pace = pace(at)
local count = current(key, pace, now)
local wait = 0
if count.failed >= pace.free then wait = math.max(0, count.not_before - now) end
if not holds then return {{exact(wait), wait > 0 and 1 or 0, '', '0', '0'}} end
local room = 0
if wait <= 0 then room = math.max(pace.free - count.failed, 1) - #count.held end
local own, others = {{network, 0, 0, 0}}, {{}}
for _, turn in ipairs(count.turns) do
  if turn[1] == network then own = turn else table.insert(others, turn) end
end
local last = own[2]
if own[4] <= now then own[3] = now end
local ahead = 0
for _, turn in ipairs(others) do
  if turn[4] > now and before(turn, own) then ahead = ahead + 1 end
end
local free = room > ahead
local failed = wait > 0
local noted
if free then
  noted = pace.by_turns and (#count.turns > 0 or room == 1)
  table.insert(count.held, now + HOLD)
  own = {{network, now, 0, 0}}
else
  if not failed then wait = BUSY end
  noted = pace.by_turns and own[4] < now + wait + PATIENCE / 2
  if noted then own[4] = now + wait + PATIENCE end
end
if noted then
  local fits = #others < MAX_NETWORKS
  if not fits then
    local oldest
    for place, turn in ipairs(others) do
      if turn[4] <= now and (not oldest or before(turn, others[oldest])) then oldest = place end
    end
    if oldest then
      table.remove(others, oldest)
      fits = true
    end
  end
  if fits then table.insert(others, own) end
  count.turns = others
end
if free or noted then keep(key, pace, count, now) end
return {{free and '0' or exact(wait), (not free and failed) and 1 or 0, mark, exact(known_until), exact(last)}}
""")
"""Reserves a check: of a source (one key), or of an account (its key, its familiar marks, and a key for each mark).

Its arguments: now, the network, whether the check is held, the pace of the first key, that of marks, and the marks.
"""

_SETTLE: Final = Script(f"""
{_PACE}
local now, held_until, outcome = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local network, last = ARGV[4], tonumber(ARGV[5])
local pace = pace(6)
local count = current(KEYS[1], pace, now)
for place, hold in ipairs(count.held) do
  if hold == held_until then
    table.remove(count.held, place)
    break
  end
end
if outcome == 'failed' then
  count.failed = count.failed + 1
  local wait = 0
  if count.failed >= pace.free then
    -- Beyond 2 ^ 64 there is nothing left to double.
    wait = math.min(pace.first * 2 ^ math.min(count.failed - pace.free, 64), pace.longest)
  end
  count.not_before = math.max(count.not_before, now + wait)
elseif outcome == 'abandoned' then
  for _, turn in ipairs(count.turns) do
    if turn[1] == network then turn[2] = last end
  end
end
keep(KEYS[1], pace, count, now)
return 1
""")

_MAKE_FAMILIAR: Final = Script(f"""
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
for place = 3, #ARGV do redis.call('ZADD', KEYS[1], 'GT', ARGV[1], ARGV[place]) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -{MAX_MARKS + 1})
local latest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if latest[2] then
  redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil((tonumber(latest[2]) - tonumber(ARGV[2]) + {SLACK}) * 1000)))
end
return 1
""")
"""Makes an account familiar with marks. Its arguments: until when, now, and the marks."""


class RedisThrottle:
    """Slows down guessing (`Throttle`).

    Each count is kept under the hash of its name until it is the same as none, for a day at most, and takes some
    hundred bytes, or some ten thousand if a thousand networks attempt the account. So memory is bounded by the number
    of attempts in that time.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch, for `make_familiar`.
        free: attempts without any wait.
        first: seconds of the first wait of a source.
        longest: seconds of its longest wait. After four times that long without an attempt, it starts again at 0.
    """

    def __init__(
        self,
        server: Runner,
        names: Names,
        *,
        clock: Callable[[], float],
        free: int = 10,
        first: Seconds = 1.0,
        longest: Seconds = 900.0,
    ) -> None:
        self._policy = ThrottlePolicy("RedisThrottle", free=free, first=first, longest=longest)
        self._run = server.run
        self._names = names
        self._clock = clock

    def reserve(self, attempt: Attempt, now: float) -> Answer[Reservation | Wait]:
        """Reserve one check for `attempt`, or answer how long it has to wait."""
        return self._run(self._reserve(attempt, now))

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> Answer[None]:
        """End a reservation. It counts from now on if it `FAILED`, and else not at all."""
        return self._run(self._settle(reservation, outcome, now, familiar_until))

    def make_familiar(self, account: str, mark: str, until: float) -> Answer[None]:
        """Make `account` familiar with `mark` until then (seconds since the epoch)."""
        return self._run(self._remember(account, mark, until))

    # In a cluster, the keys of the source and of the account are in different slots: each has a command of its own.

    def _reserve(self, attempt: Attempt, now: float) -> Steps[Reservation | Wait]:
        policy = self._policy
        answer: Reservation | Wait = Reservation(attempt, held_until=now + HOLD if attempt.guessable else 0.0)
        if attempt.source:
            args = (repr(float(now)), "", int(attempt.guessable), *_words(policy.source))
            wait, failed, *_ = yield from ask(_RESERVE(self._source(attempt), args=args))
            if float(wait) > 0:
                return Wait(float(wait), source_failed=failed == 1)
        if attempt.account:
            keys = (self._account(attempt), self._familiar(attempt.account), *self._marks(attempt))
            args = (repr(float(now)), attempt.network, 1, *_words(policy.account), *_words(policy.source))
            reply = yield from ask(_RESERVE(*keys, args=(*args, *attempt.marks)))
            wait, _, mark, known_until, served = reply
            if float(wait) > 0:
                yield from self._give_back(attempt, now)
                return Wait(float(wait))
            answer = Reservation(attempt, text(mark), float(known_until), now + HOLD, float(served))
        return answer

    def _give_back(self, attempt: Attempt, now: float) -> Steps[None]:
        """Give the reservation of the source back, since there is none for the account."""
        if attempt.source:
            source_only = Reservation(Attempt(attempt.source), held_until=now + HOLD)
            yield from self._settle(source_only, AttemptOutcome.ABANDONED, now, 0.0)

    def _settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float
    ) -> Steps[None]:
        attempt, policy = reservation.attempt, self._policy
        served = reservation.served
        args = (repr(float(now)), repr(reservation.held_until), outcome.value, attempt.network, repr(served))
        commands: list[Command] = []
        if attempt.source:
            commands.append(_SETTLE(self._source(attempt), args=(*args, *_words(policy.source))))
        if attempt.account:
            pace = policy.of_account(reservation.mark)
            key = self._mark(attempt.account, reservation.mark) if reservation.mark else self._account(attempt)
            commands.append(_SETTLE(key, args=(*args, *_words(pace))))
        if familiar_until and attempt.marks:
            commands.append(self._made_familiar(attempt.account, attempt.marks, familiar_until, now))
        yield from ask_all(commands)

    def _remember(self, account: str, mark: str, until: float) -> Steps[None]:
        yield from ask(self._made_familiar(account, (mark,), until, self._clock()))

    def _made_familiar(self, account: str, marks: tuple[str, ...], until: float, now: float) -> Command:
        args = (repr(float(until)), repr(float(now)), *marks)
        return _MAKE_FAMILIAR(self._familiar(account), args=args, repeatable=True)

    # The names of the keys. Those of one account are in one slot.

    def _source(self, attempt: Attempt) -> str:
        return self._names.hashed("attempts", attempt.source)

    def _account(self, attempt: Attempt) -> str:
        return self._names.hashed("attempts", attempt.account)

    def _familiar(self, account: str) -> str:
        return self._names.hashed("familiar-marks", account)

    def _marks(self, attempt: Attempt) -> tuple[str, ...]:
        return tuple(self._mark(attempt.account, mark) for mark in attempt.marks)

    def _mark(self, account: str, mark: str) -> str:
        return self._names.hashed(f"attempts-from:{token_digest(mark)}", account)


def _words(pace: Pace) -> tuple[str | int | float, ...]:
    return (pace.free, repr(float(pace.first)), repr(float(pace.longest)), repr(float(pace.forget)), int(pace.by_turns))
