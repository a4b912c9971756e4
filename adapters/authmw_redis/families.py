"""Refresh families in Redis: one hash for each family, which is kept until the family's absolute end.

So a token that was used before, or that belongs to a revoked family, differs from one that was never issued.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from json import dumps, loads
from typing import Any, Final

from authmw.stores.ports import Answer
from authmw.stores.records import Outcome, RefreshFamily, Rotation, RotationAnswer
from authmw_redis.commands import Command, Script, Steps, ask, ask_all, milliseconds, number, text
from authmw_redis.index import enter, of_all, refuse, refused_at
from authmw_redis.names import IndexedBy, Names
from authmw_redis.server import Runner

_FIELDS: Final = (
    "grant",
    "client",
    "expires_at",
    "idle_until",
    "current",
    "previous",
    "salt",
    "rotated_at",
    "last_used_at",
    "revoked_at",
    "session",
)
_READ: Final = f"local function read() return redis.call('HMGET', KEYS[1], {str(_FIELDS)[1:-1]}) end"

# A hash without a grant is a tombstone, see `authmw_redis.index`.
ADD: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
""")

_ROTATE: Final = Script(f"""
{_READ}
local grant, client, expires_at, idle_until, current, previous, _, rotated_at, _, revoked_at = unpack(read())
local asked_by, presented, successor, salt, now, idle, grace, attempt = unpack(ARGV)
if not grant or client ~= asked_by then return {{'unknown'}} end
local outcome = 'reused'
local time = tonumber(now)
-- The outcome of this same call, if it was executed before and only its reply was lost.
local made = redis.call('HMGET', KEYS[1], 'attempt', 'outcome')
local executed = made[1] == attempt and made[2]
if revoked_at or tonumber(expires_at) <= time or tonumber(idle_until) <= time then
  outcome = executed == 'reused' and executed or 'ended'
elseif executed then
  outcome = executed
elseif presented ~= '' and presented == current then
  outcome = 'rotated'
  if tonumber(idle) > tonumber(expires_at) then idle = expires_at end
  redis.call('HSET', KEYS[1], 'previous', current, 'current', successor, 'salt', salt, 'rotated_at', now,
    'last_used_at', now, 'idle_until', idle, 'attempt', attempt, 'outcome', outcome)
elseif presented ~= '' and presented == previous
    and tonumber(grace) > 0 and time - tonumber(rotated_at) <= tonumber(grace) then
  outcome = 'raced'
else
  redis.call('HSET', KEYS[1], 'revoked_at', now, 'attempt', attempt, 'outcome', outcome)
end
return {{outcome, unpack(read())}}
""")

_END: Final = Script(f"""
{_READ}
local kept = read()
if not kept[1] then
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'revoked_at', ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return {{0}}
end
local at = tonumber(ARGV[1])
local live = not kept[10] and tonumber(kept[3]) > at and tonumber(kept[4]) > at
if kept[10] or (ARGV[3] == 'live' and not live) then return {{0, unpack(kept)}} end
redis.call('HSET', KEYS[1], 'revoked_at', ARGV[1])
return {{1, unpack(read())}}
""")


class RedisFamilies:
    """Refresh families (`FamilyStore`).

    A rotation whose connection breaks is sent a second time. It carries a random mark, so that it is not taken for a
    reuse. If the reply stays lost, the client gets a 503. When that client tries again, the answer is RACED within the
    grace time; with a grace of 0 it looks like an attacker, and the family ends.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def add_family(self, family: RefreshFamily) -> Answer[None]:
        """Store a new family."""
        return self._run(self._add(family))

    def find_family(self, key: str) -> Answer[RefreshFamily | None]:
        """The family with that key, or None."""
        return self._run(self._find(key))

    def rotate(self, rotation: Rotation) -> Answer[RotationAnswer]:
        """Replace the presented token by its successor, atomically; see `FamilyStore.rotate`."""
        return self._run(self._rotate(rotation))

    def end_family(self, family_id: str, at: float) -> Answer[RefreshFamily | None]:
        """Revoke the family with that id. Returns the family, also if it had ended before, or None."""
        return self._run(self._end(family_id, at))

    def end_families(self, subject: str, at: float) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a subject. Returns those that this call revoked."""
        return self._run(self._end_all("subject", subject, at))

    def end_session_families(self, session_id: str, at: float) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a browser session. Returns those that this call revoked."""
        return self._run(self._end_all("session", session_id, at))

    def end_client_families(self, client_id: str, at: float) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a client. Returns those that this call revoked."""
        return self._run(self._end_all("client", client_id, at))

    def families_of(self, subject: str, now: float) -> Answer[tuple[RefreshFamily, ...]]:
        """The live families of a subject, oldest first."""
        return self._run(self._live(subject, now))

    def _add(self, family: RefreshFamily) -> Steps[None]:
        now = self._clock()
        lifetime = milliseconds(family.expires_at, now)
        indexes = [self._names.index_for("family", "subject", family.subject, family.key)]
        if family.client_id is not None:
            indexes.append(self._names.index_for("family", "client", family.client_id, family.key))
        if family.session_id is not None:
            indexes.append(self._names.index_for("family", "session", family.session_id, family.key))
        entered = [enter(index, family.key, family.expires_at, now) for index in indexes]
        known = dumps([family.key, family.expires_at])
        by_id = Command(("SET", self._names.hashed("family-id", family.id), known, "PX", lifetime))
        *refusals, _ = yield from ask_all([*entered, by_id])
        if family.revoked_at is None:
            family = replace(family, revoked_at=refused_at(refusals, family.created_at))
        yield from ask(ADD(self._key(family.key), args=(lifetime, *_fields(family)), repeatable=True))

    def _find(self, key: str) -> Steps[RefreshFamily | None]:
        return _family(key, (yield from ask(self._get(key))))

    def _rotate(self, rotation: Rotation) -> Steps[RotationAnswer]:
        args = (
            dumps(rotation.client_id),
            rotation.presented,
            rotation.successor,
            rotation.salt,
            repr(float(rotation.now)),
            repr(float(rotation.idle_until)),
            repr(float(rotation.grace)),
            os.urandom(8).hex(),
        )
        outcome, *fields = yield from ask(_ROTATE(self._key(rotation.key), args=args, repeatable=True))
        return RotationAnswer(Outcome(text(outcome)), _family(rotation.key, fields) if fields else None)

    def _end(self, family_id: str, at: float) -> Steps[RefreshFamily | None]:
        known = yield from ask(Command(("GET", self._names.hashed("family-id", family_id))))
        if known is None:
            return None
        key, expires_at = loads(known)
        _, *fields = yield from ask(self._ending(key, at, expires_at, "any"))
        return _family(key, fields)

    def _end_all(self, by: IndexedBy, name: str, at: float) -> Steps[tuple[RefreshFamily, ...]]:
        indexes = self._names.indexes("family", by, name)
        yield from refuse(indexes, at, self._clock())

        def end(key: str, expires_at: float) -> Command:
            return self._ending(key, at, expires_at, "live")

        def ended(key: str, reply: Any) -> RefreshFamily | None:
            return _family(key, reply[1:]) if reply[0] else None

        return _oldest_first((yield from of_all(indexes, end, ended)))

    def _live(self, subject: str, now: float) -> Steps[tuple[RefreshFamily, ...]]:
        indexes = self._names.indexes("family", "subject", subject)
        families = yield from of_all(indexes, lambda key, _: self._get(key), _family)
        return _oldest_first([family for family in families if family.is_live(now)])

    def _ending(self, key: str, at: float, expires_at: float, which: str) -> Command:
        args = (repr(float(at)), milliseconds(expires_at, self._clock()), which)
        # A second run with "live" would not report the family that the first run has ended.
        return _END(self._key(key), args=args, repeatable=which == "any")

    def _get(self, key: str) -> Command:
        return Command(("HMGET", self._key(key), *_FIELDS))

    def _key(self, key: str) -> str:
        return self._names.of("family", key)


def _oldest_first(families: list[RefreshFamily]) -> tuple[RefreshFamily, ...]:
    return tuple(sorted(families, key=lambda family: (family.created_at, family.id)))


def _fields(family: RefreshFamily) -> list[str]:
    """The names and values of the hash."""
    grant = [family.id, family.subject, family.username, sorted(family.scopes), family.created_at, family.name]
    values = (
        dumps(grant),
        dumps(family.client_id),
        repr(float(family.expires_at)),
        repr(float(family.idle_until)),
        family.current,
        family.previous,
        family.salt,
        repr(float(family.rotated_at)),
        None if family.last_used_at is None else repr(float(family.last_used_at)),
        None if family.revoked_at is None else repr(float(family.revoked_at)),
        family.session_id,
    )
    return [word for name, value in zip(_FIELDS, values, strict=True) if value is not None for word in (name, value)]


def _family(key: str, reply: list[Any]) -> RefreshFamily | None:
    if not reply or reply[0] is None:
        return None
    grant, client, expires_at, idle_until, current, previous, salt, rotated_at, last_used_at, revoked_at, session = (
        reply
    )
    family_id, subject, username, scopes, created_at, name = loads(grant)
    return RefreshFamily(
        family_id,
        key,
        text(current),
        subject,
        username,
        loads(client),
        frozenset(scopes),
        created_at,
        float(expires_at),
        float(idle_until),
        text(previous),
        text(salt),
        float(rotated_at),
        number(last_used_at),
        number(revoked_at),
        name,
        None if session is None else text(session),
    )
