"""Indexes of records, by subject, client, family and session. None misses a record that is being added.

An index and its records are in different slots, so no script can change both. Instead, adding enters the record into
every index and then stores it, and revoking reads the indexes and then revokes. When the two meet:

- A record that was entered before the index was read is found there. If it is not stored yet, revoking leaves a
  tombstone in its place, and storing never replaces a tombstone.
- A record that was entered later was added after the revocation, so it stays valid. But a request that was already
  under way may have made it before. So the time of the revocation is kept beside the index, and a record that was made
  before that time is stored as revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from authmw.stores.records import LONGEST_ACCESS_TOKEN
from authmw_redis.commands import KEEP_LATEST, SLACK, Command, Script, Steps, ask, ask_all, milliseconds, number, text
from authmw_redis.names import IndexNames

T = TypeVar("T")

_PAGE: Final = 500

# Each new member removes up to 100 expired ones, so that an index does not stay much larger than its live members.
_ENTER: Final = Script("""
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[3], 'LIMIT', 0, 100)
if #expired > 0 then redis.call('ZREM', KEYS[1], unpack(expired)) end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return redis.call('GET', KEYS[2])
""")

# A member that is in the set during the whole scan is in one of its pages. A script replies with an array in RESP2 and
# in RESP3 alike.
_SCAN: Final = Script("return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])")


def enter(index: IndexNames, member: str, expires_at: float, now: float) -> Command:
    """Enter `member`. The reply is the time of the last revocation of the index, or None: see `refused_at`."""
    args = (member, expires_at, now - SLACK, milliseconds(expires_at, now))
    return _ENTER(index.members, index.refused, args=args, repeatable=True)


def refused_at(replies: Iterable[Any], created_at: float) -> float | None:
    """The time of a revocation that came after `created_at`, so that the record is already revoked; or None.

    A `created_at` of 0 is unknown, and counts as now.
    """
    times = [at for at in map(number, replies) if at is not None and 0 < created_at < at]
    return max(times, default=None)


def refuse(indexes: Iterable[IndexNames], at: float, now: float) -> Steps[None]:
    """Refuse the records that were made before `at` and will be entered later."""
    # No request takes that long.
    lifetime = milliseconds(now + LONGEST_ACCESS_TOKEN, now)
    yield from ask_all([KEEP_LATEST(index.refused, args=(at, lifetime), repeatable=True) for index in indexes])


def of_all(
    indexes: Iterable[IndexNames], command: Callable[[str, float], Command], read: Callable[[str, Any], T | None]
) -> Steps[list[T]]:
    """Run a command for each member of the indexes.

    Args:
        indexes: the indexes to read.
        command: makes the command for a member and its expiry.
        read: makes the result of a member and the reply; a None is left out.
    """
    found: dict[str, T] = {}
    for index in indexes:
        cursor = "0"
        while True:
            reply = yield from ask(_SCAN(index.members, args=(cursor, _PAGE), repeatable=True))
            cursor, members = text(reply[0]), [text(each) for each in reply[1][::2]]
            commands = [command(member, float(score)) for member, score in zip(members, reply[1][1::2], strict=True)]
            replies = yield from ask_all(commands)
            for member, each in zip(members, replies, strict=True):
                known = read(member, each)
                if known is not None:
                    found[member] = known
            if cursor == "0":
                break
    return list(found.values())
