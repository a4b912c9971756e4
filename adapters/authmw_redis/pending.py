"""What is pending for persons, in Redis: one hash for each, under the digest of its secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from json import dumps, loads
from typing import Any, Final

from authmw.stores.ports import Answer
from authmw.stores.session_records import Pending
from authmw_redis.commands import Command, Script, Steps, ask, milliseconds, text
from authmw_redis.index import enter, of_all
from authmw_redis.names import Names
from authmw_redis.server import Runner

_FIELDS: Final = ("kind", "subject", "expires_at", "data", "taken")
_LOST_FOR: Final = 10_000
"""Milliseconds for which what was taken is kept for the same call, whose reply may have been lost."""

_PUT: Final = Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
""")

_TAKE: Final = Script(f"""
local kept = redis.call('HMGET', KEYS[1], {str(_FIELDS)[1:-1]})
if not kept[1] or kept[1] ~= ARGV[1] or tonumber(kept[3]) <= tonumber(ARGV[2]) then return {{}} end
if kept[5] and kept[5] ~= ARGV[3] then return {{}} end
if not kept[5] then
  redis.call('HSET', KEYS[1], 'taken', ARGV[3])
  if redis.call('PTTL', KEYS[1]) > {_LOST_FOR} then redis.call('PEXPIRE', KEYS[1], {_LOST_FOR}) end
end
return {{kept[1], kept[2], kept[3], kept[4]}}
""")

# An empty kind is every kind.
_DROP: Final = Script("""
if ARGV[1] == '' or redis.call('HGET', KEYS[1], 'kind') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")


class RedisPending:
    """What is pending, by digests (`PendingStore`).

    To take something whose connection breaks is sent a second time, with the same random mark, so that it is not lost.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def put_pending(self, pending: Pending) -> Answer[None]:
        """Store it."""
        return self._run(self._put(pending))

    def peek_pending(self, digest: str, kind: str, now: float) -> Answer[Pending | None]:
        """What has that digest and kind and has not expired, or None."""
        return self._run(self._peek(digest, kind, now))

    def take_pending(self, digest: str, kind: str, now: float) -> Answer[Pending | None]:
        """As `peek_pending`, and remove it: of calls at the same time, one gets it."""
        return self._run(self._take(digest, kind, now))

    def drop_pending(self, subject: str, kind: str) -> Answer[None]:
        """Remove everything of that kind that is pending for a subject."""
        return self._run(self._drop(subject, kind) if kind else _nothing())

    def of_user(self, subject: str) -> Answer[tuple[Pending, ...]]:
        """Everything that is pending for a user."""
        return self._run(self._of_user(subject))

    def erase(self, subject: str) -> Answer[None]:
        """Delete what is pending for a user, as the user is disabled or deleted, or has a new password or address."""
        return self._run(self._drop(subject, ""))

    def _put(self, pending: Pending) -> Steps[None]:
        now = self._clock()
        # What is pending for nobody has an index of its own: putting it takes as long as for a user, which tells nobody
        # who exists, and no index grows by all of them.
        owner = pending.subject or pending.digest
        index = self._names.index_for("pending", "subject", owner, pending.digest)
        yield from ask(enter(index, pending.digest, pending.expires_at, now))
        values = (pending.kind, pending.subject, repr(float(pending.expires_at)), dumps(dict(pending.data)))
        fields = [word for pair in zip(_FIELDS, values, strict=False) for word in pair]
        lifetime = milliseconds(pending.expires_at, now)
        yield from ask(_PUT(self._key(pending.digest), args=(lifetime, *fields), repeatable=True))

    def _peek(self, digest: str, kind: str, now: float) -> Steps[Pending | None]:
        found = _pending(digest, (yield from ask(self._get(digest))))
        return found if found is not None and found.kind == kind and now < found.expires_at else None

    def _take(self, digest: str, kind: str, now: float) -> Steps[Pending | None]:
        args = (kind, repr(float(now)), os.urandom(8).hex())
        return _pending(digest, (yield from ask(_TAKE(self._key(digest), args=args, repeatable=True))))

    def _drop(self, subject: str, kind: str) -> Steps[None]:
        if subject:
            indexes = self._names.indexes("pending", "subject", subject)
            yield from of_all(indexes, lambda digest, _: self._dropping(digest, kind), lambda _, __: None)

    def _of_user(self, subject: str) -> Steps[tuple[Pending, ...]]:
        indexes = self._names.indexes("pending", "subject", subject)
        found = yield from of_all(indexes, lambda digest, _: self._get(digest), _pending)
        now = self._clock()
        live = [each for each in found if now < each.expires_at]
        return tuple(sorted(live, key=lambda pending: (pending.expires_at, pending.digest)))

    def _get(self, digest: str) -> Command:
        return Command(("HMGET", self._key(digest), *_FIELDS))

    def _dropping(self, digest: str, kind: str) -> Command:
        return _DROP(self._key(digest), args=(kind,), repeatable=True)

    def _key(self, digest: str) -> str:
        return self._names.of("pending", digest)


def _nothing() -> Steps[None]:
    yield from ()


def _pending(digest: str, reply: list[Any]) -> Pending | None:
    """What a hash holds that was not taken before."""
    if not reply or reply[0] is None or (len(reply) == len(_FIELDS) and reply[4] is not None):
        return None
    kind, subject, expires_at, data, *_ = reply
    return Pending(digest, text(kind), text(subject), float(expires_at), loads(data))
