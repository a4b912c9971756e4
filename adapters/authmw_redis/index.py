"""Finding all tokens or families of somebody, in several slots, without losing one that is just being added.

Adding enters the record into every index before it stores it; revoking reads the indexes before it revokes. So of two
that meet, revoking finds in the index what was entered before, and leaves a tombstone where that is not stored yet:
storing never replaces one. What is entered later was added after the revocation. If it had been made before, by a
request that was already under way, then the time that is kept beside the index tells, and it is stored as revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from authmw.stores.records import LONGEST_ACCESS_TOKEN
from authmw_redis.commands import KEEP_LATEST, SLACK, Command, Script, Steps, ask, ask_all, milliseconds, number, text
from authmw_redis.names import IndexNames

T = TypeVar("T")

_PAGE: Final = 500

# Some of what has expired makes room for each new member, so that no index grows beyond what is live for long.
_ENTER: Final = Script("""
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[3], 'LIMIT', 0, 100)
if #expired > 0 then redis.call('ZREM', KEYS[1], unpack(expired)) end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return redis.call('GET', KEYS[2])
""")

# All that is in a sorted set from the first page to the last is in one of the pages. An array in either protocol.
_SCAN: Final = Script("return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])")


def enter(index: IndexNames, member: str, expires_at: float, now: float) -> Command:
    """Enter `member`; the reply tells until when what was made is refused, see `refused_at`."""
    args = (member, expires_at, now - SLACK, milliseconds(expires_at, now))
    return _ENTER(index.members, index.refused, args=args, again=True)


def refused_at(replies: Iterable[Any], created_at: float) -> float | None:
    """When what was created at `created_at` has been revoked already: a time that is later, or None.

    A record that does not say when it was made, by a 0, was made now.
    """
    times = [at for at in map(number, replies) if at is not None and 0 < created_at < at]
    return max(times, default=None)


def refuse(indexes: Iterable[IndexNames], at: float, now: float) -> Steps[None]:
    """Refuse what was made before `at` and is still to be entered."""
    # No request is under way for that long.
    lifetime = milliseconds(now + LONGEST_ACCESS_TOKEN, now)
    yield from ask_all([KEEP_LATEST(index.refused, args=(at, lifetime), again=True) for index in indexes])


def of_all(
    indexes: Iterable[IndexNames], command: Callable[[str, float], Command], read: Callable[[str, Any], T | None]
) -> Steps[list[T]]:
    """What `read` makes of the reply to `command` for each member and its expiry. What it makes None of is left out."""
    found: dict[str, T] = {}
    for index in indexes:
        cursor = "0"
        while True:
            reply = yield from ask(_SCAN(index.members, args=(cursor, _PAGE), again=True))
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
