"""Revocations in Redis: the latest one for each kind and id, in the order in which they were published.

They are not in a stream: it would have to be trimmed, and a reader with an older cursor would miss some. Each one has a
place in a sorted set instead. One that is published again moves to the end, where every reader finds it, however old
its cursor is. Only expired ones are removed.

Places are microseconds of Redis's clock, and they rise even if that clock is set back. So a cursor still works
after a failover that lost the latest revocations, or all of them: a cursor beyond the last place reads everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from authmw.stores.ports import Answer
from authmw.stores.records import Revocation, RevocationKind, RevocationPage
from authmw_redis.commands import SLACK, Command, Script, Steps, ask, milliseconds, text
from authmw_redis.names import Names
from authmw_redis.server import Runner

# The keys: the revocations by name, their places by name, their expiries by name. Two with one name are combined, with
# the later times: a token that only the combination refuses has expired anyway.
_PUBLISH: Final = Script("""
local name, at, expires_at, lifetime, now, forget = unpack(ARGV)
local expired = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', forget, 'LIMIT', 0, 100)
if #expired > 0 then
  redis.call('HDEL', KEYS[1], unpack(expired))
  redis.call('ZREM', KEYS[2], unpack(expired))
  redis.call('ZREM', KEYS[3], unpack(expired))
end
local before = redis.call('HGET', KEYS[1], name)
if before then
  local at_before, expires_before = string.match(before, '^(%S+) (%S+)$')
  if tonumber(expires_before) > tonumber(now) then
    if tonumber(at_before) > tonumber(at) then at = at_before end
    if tonumber(expires_before) > tonumber(expires_at) then expires_at = expires_before end
  end
end
local time = redis.call('TIME')
local place = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
if last and place <= tonumber(last) then place = tonumber(last) + 1 end
redis.call('HSET', KEYS[1], name, at .. ' ' .. expires_at)
redis.call('ZADD', KEYS[2], string.format('%.0f', place), name)
redis.call('ZADD', KEYS[3], expires_at, name)
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(lifetime) then redis.call('PEXPIRE', key, lifetime) end
end
return 1
""")

_READ: Final = Script("""
local cursor, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
if not last or tonumber(last) < cursor then cursor = 0 end
local found = {}
while #found < 2 * limit do
  local from = string.format('(%.0f', cursor)
  local page = redis.call('ZRANGEBYSCORE', KEYS[2], from, '+inf', 'WITHSCORES', 'LIMIT', 0, limit - #found / 2)
  if #page == 0 then break end
  for place = 1, #page, 2 do
    local kept = redis.call('HGET', KEYS[1], page[place])
    cursor = tonumber(page[place + 1])
    if kept and tonumber(string.match(kept, '%S+$')) > now then
      table.insert(found, page[place])
      table.insert(found, kept)
    end
  end
end
return {string.format('%.0f', cursor), found}
""")


class RedisRevocations:
    """Revocations, which all processes read (`RevocationStore`).

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
        sync: the same store for a thread; itself unless given.
    """

    def __init__(
        self, server: Runner, names: Names, *, clock: Callable[[], float], sync: RedisRevocations | None = None
    ) -> None:
        self._run = server.run
        self._keys = tuple(names.revocations(part) for part in ("named", "places", "expiries"))
        self._clock = clock
        self.sync: Final[RedisRevocations] = sync or self

    def publish(self, revocation: Revocation) -> Answer[None]:
        """Store a revocation. A reader with an older cursor finds it as soon as this has answered."""
        return self._run(self._publish(revocation))

    def revocations_after(self, cursor: str, limit: int) -> Answer[RevocationPage]:
        """The revocations published since `cursor`, oldest first; with an empty cursor, all that have not expired."""
        return self._run(self._after(cursor, limit))

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> Answer[tuple[Revocation, ...]]:
        """The latest revocation of each of `keys` that has one which has not expired."""
        return self._run(self._find(keys))

    def _publish(self, revocation: Revocation) -> Steps[None]:
        now = self._clock()
        if revocation.expires_at <= now:
            return
        args = (
            f"{revocation.kind}:{revocation.id}",
            repr(float(revocation.at)),
            repr(float(revocation.expires_at)),
            milliseconds(revocation.expires_at, now),
            repr(float(now)),
            now - SLACK,
        )
        yield from ask(_PUBLISH(*self._keys, args=args, repeatable=True))

    def _after(self, cursor: str, limit: int) -> Steps[RevocationPage]:
        # A cursor of another store is unknown here, so it reads everything.
        place = cursor if cursor.isascii() and cursor.isdigit() else "0"
        args = (place, limit, repr(float(self._clock())))
        after, found = yield from ask(_READ(*self._keys[:2], args=args, repeatable=True))
        pairs = zip(found[::2], found[1::2], strict=True)
        return RevocationPage(tuple(_revocation(text(name), kept) for name, kept in pairs), text(after))

    def _find(self, keys: tuple[tuple[RevocationKind, str], ...]) -> Steps[tuple[Revocation, ...]]:
        if not keys:
            return ()
        names = [f"{kind}:{name}" for kind, name in keys]
        replies = yield from ask(Command(("HMGET", self._keys[0], *names)))
        found = (_revocation(name, kept) for name, kept in zip(names, replies, strict=True) if kept is not None)
        now = self._clock()
        return tuple(revocation for revocation in found if revocation.expires_at > now)


def _revocation(name: str, kept: Any) -> Revocation:
    kind, _, revoked = name.partition(":")
    at, expires_at = text(kept).split()
    return Revocation(cast("RevocationKind", kind), revoked, float(at), float(expires_at))
