"""Browser sessions in Redis: one hash for each session, which is kept until the session's absolute end.

So a session that was ended differs from one that never was, and adding it again does not bring it back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from json import dumps, loads
from typing import Any, Final

from authmw.stores.ports import Answer
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome
from authmw_redis.commands import Command, Script, Steps, ask, ask_all, milliseconds, number, text
from authmw_redis.families import ADD
from authmw_redis.index import enter, of_all, refuse, refused_at
from authmw_redis.names import Names
from authmw_redis.server import Runner

_FIELDS: Final = (
    "login",
    "expires_at",
    "idle_for",
    "idle_until",
    "last_used_at",
    "ended_at",
    "current",
    "previous",
    "salt",
    "renewed_at",
    "scopes",
    "authenticated_at",
    "amr",
    "acr",
)
# A hash without a login is a tombstone, see `authmw_redis.index`. A number is written so that it is read as the same.
_COMMON: Final = f"""
local function read() return redis.call('HMGET', KEYS[1], {str(_FIELDS)[1:-1]}) end
local function is_live(kept, time)
  return not kept[6] and tonumber(kept[2]) > time and tonumber(kept[4]) > time
end
local function use(kept, time)
  local used, idle = math.max(time, tonumber(kept[5])), math.max(time + tonumber(kept[3]), tonumber(kept[4]))
  redis.call('HSET', KEYS[1], 'last_used_at', string.format('%.17g', used),
    'idle_until', string.format('%.17g', math.min(idle, tonumber(kept[2]))))
end
"""

_RENEW: Final = Script(f"""
{_COMMON}
local presented, successor, salt, now, grace, scopes, authenticated_at, amr, acr, attempt = unpack(ARGV)
local kept, time = read(), tonumber(now)
if not kept[1] then return {{'unknown'}} end
if not is_live(kept, time) then return {{'ended', unpack(kept)}} end
-- This same call was executed before, and only its reply was lost.
if redis.call('HGET', KEYS[1], 'attempt') == attempt then return {{'renewed', unpack(kept)}} end
if presented ~= '' and presented == kept[7] then
  use(kept, time)
  redis.call('HSET', KEYS[1], 'previous', presented, 'current', successor, 'salt', salt, 'renewed_at', now,
    'scopes', scopes, 'attempt', attempt)
  if authenticated_at ~= '' then redis.call('HSET', KEYS[1], 'authenticated_at', authenticated_at) end
  if amr ~= '' then redis.call('HSET', KEYS[1], 'amr', amr) end
  if acr ~= '' then redis.call('HSET', KEYS[1], 'acr', acr) end
  return {{'renewed', unpack(read())}}
end
if presented ~= '' and presented == kept[8]
    and tonumber(grace) > 0 and time - tonumber(kept[10]) <= tonumber(grace) then
  return {{'raced', unpack(kept)}}
end
return {{'unknown'}}
""")

_TOUCH: Final = Script(f"""
{_COMMON}
local kept, time = read(), tonumber(ARGV[1])
if kept[1] and is_live(kept, time) and tonumber(kept[5]) < time then use(kept, time) end
return 1
""")

_END: Final = Script(f"""
{_COMMON}
local kept = read()
if not kept[1] then
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'ended_at', ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return {{0}}
end
if kept[6] or (ARGV[3] == 'live' and not is_live(kept, tonumber(ARGV[1]))) then return {{0, unpack(kept)}} end
redis.call('HSET', KEYS[1], 'ended_at', ARGV[1])
return {{1, unpack(read())}}
""")


class RedisSessions:
    """Browser sessions, as digests (`SessionStore`).

    A renewal whose connection breaks is sent a second time. It carries a random mark, so that it is not taken for that
    of another request. If the reply stays lost, the client gets a 503; when it tries again, the answer is RACED within
    the grace time.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def add_session(self, session: BrowserSession) -> Answer[None]:
        """Store a new session. It is stored as ended if the sessions of its subject were ended after it began."""
        return self._run(self._add(session))

    def find_session(self, key: str) -> Answer[BrowserSession | None]:
        """The session with that key, also one that has ended, or None."""
        return self._run(self._find(key))

    def renew_session(self, renewal: Renewal) -> Answer[RenewalAnswer]:
        """Replace the presented value by its successor, atomically; see `SessionStore.renew_session`."""
        return self._run(self._renew(renewal))

    def touch_session(self, key: str, at: float) -> Answer[None]:
        """Store `at` as the time of the last use, and extend the session by it."""
        return self._run(self._touch(key, at))

    def end_session(self, session_id: str, at: float) -> Answer[BrowserSession | None]:
        """End the session with that id. Returns the session, also if it had ended before, or None."""
        return self._run(self._end(session_id, at))

    def end_sessions(self, subject: str, at: float, keep: str = "") -> Answer[tuple[BrowserSession, ...]]:
        """End every live session of a subject but the one with the id `keep`. Returns those that this call ended."""
        return self._run(self._end_all(subject, at, keep))

    def sessions_of(self, subject: str, now: float) -> Answer[tuple[BrowserSession, ...]]:
        """The live sessions of a subject, oldest first."""
        return self._run(self._live(subject, now))

    def _add(self, session: BrowserSession) -> Steps[None]:
        now = self._clock()
        lifetime = milliseconds(session.expires_at, now)
        index = self._names.index_for("session", "subject", session.subject, session.key)
        known = dumps([session.key, session.expires_at])
        by_id = Command(("SET", self._names.hashed("session-id", session.id), known, "PX", lifetime))
        refusal, _ = yield from ask_all([enter(index, session.key, session.expires_at, now), by_id])
        ended_at = session.ended_at
        if ended_at is None:
            ended_at = refused_at([refusal], session.created_at)
        yield from ask(ADD(self._key(session.key), args=(lifetime, *_fields(session, ended_at)), repeatable=True))

    def _find(self, key: str) -> Steps[BrowserSession | None]:
        return _session(key, (yield from ask(self._get(key))))

    def _renew(self, renewal: Renewal) -> Steps[RenewalAnswer]:
        proved_at = renewal.authenticated_at
        args = (
            renewal.presented,
            renewal.successor,
            renewal.salt,
            repr(float(renewal.now)),
            repr(float(renewal.grace)),
            dumps(sorted(renewal.scopes)),
            "" if proved_at is None else repr(float(proved_at)),
            "" if renewal.amr is None else dumps(renewal.amr),
            "" if renewal.acr is None else dumps(renewal.acr),
            os.urandom(8).hex(),
        )
        outcome, *fields = yield from ask(_RENEW(self._key(renewal.key), args=args, repeatable=True))
        return RenewalAnswer(RenewalOutcome(text(outcome)), _session(renewal.key, fields))

    def _touch(self, key: str, at: float) -> Steps[None]:
        yield from ask(_TOUCH(self._key(key), args=(repr(float(at)),), repeatable=True))

    def _end(self, session_id: str, at: float) -> Steps[BrowserSession | None]:
        known = yield from self._known(session_id)
        if known is None:
            return None
        key, expires_at = known
        _, *fields = yield from ask(self._ending(key, at, expires_at, "any"))
        return _session(key, fields)

    def _end_all(self, subject: str, at: float, keep: str) -> Steps[tuple[BrowserSession, ...]]:
        known = yield from self._known(keep)
        kept = None if known is None else known[0]
        indexes = self._names.indexes("session", "subject", subject)
        yield from refuse(indexes, at, self._clock())

        def end(key: str, expires_at: float) -> Command:
            return self._get(key) if key == kept else self._ending(key, at, expires_at, "live")

        def ended(key: str, reply: Any) -> BrowserSession | None:
            return _session(key, reply[1:]) if key != kept and reply[0] else None

        return _oldest_first((yield from of_all(indexes, end, ended)))

    def _live(self, subject: str, now: float) -> Steps[tuple[BrowserSession, ...]]:
        indexes = self._names.indexes("session", "subject", subject)
        sessions = yield from of_all(indexes, lambda key, _: self._get(key), _session)
        return _oldest_first([session for session in sessions if session.is_live(now)])

    def _known(self, session_id: str) -> Steps[tuple[str, float] | None]:
        """The key and the absolute end of the session with that id."""
        if not session_id:
            return None
        known = yield from ask(Command(("GET", self._names.hashed("session-id", session_id))))
        return None if known is None else tuple(loads(known))

    def _ending(self, key: str, at: float, expires_at: float, which: str) -> Command:
        args = (repr(float(at)), milliseconds(expires_at, self._clock()), which)
        # A second run with "live" would not report the session that the first run has ended.
        return _END(self._key(key), args=args, repeatable=which == "any")

    def _get(self, key: str) -> Command:
        return Command(("HMGET", self._key(key), *_FIELDS))

    def _key(self, key: str) -> str:
        return self._names.of("session", key)


def _oldest_first(sessions: list[BrowserSession]) -> tuple[BrowserSession, ...]:
    return tuple(sorted(sessions, key=lambda session: (session.created_at, session.id)))


def _fields(session: BrowserSession, ended_at: float | None) -> list[str]:
    """The names and values of the hash."""
    login = [session.id, session.subject, session.created_at, session.remembered, session.name]
    values = (
        dumps(login),
        repr(float(session.expires_at)),
        repr(float(session.idle_for)),
        repr(float(session.idle_until)),
        repr(float(session.last_used_at)),
        None if ended_at is None else repr(float(ended_at)),
        session.current,
        session.previous,
        session.salt,
        repr(float(session.renewed_at)),
        dumps(sorted(session.scopes)),
        repr(float(session.authenticated_at)),
        dumps(session.amr),
        dumps(session.acr),
    )
    return [word for name, value in zip(_FIELDS, values, strict=True) if value is not None for word in (name, value)]


def _session(key: str, reply: list[Any]) -> BrowserSession | None:
    if not reply or reply[0] is None:
        return None
    kept = dict(zip(_FIELDS, reply, strict=True))
    session_id, subject, created_at, remembered, name = loads(kept["login"])
    return BrowserSession(
        id=session_id,
        key=key,
        current=text(kept["current"]),
        subject=subject,
        scopes=frozenset(loads(kept["scopes"])),
        created_at=created_at,
        authenticated_at=float(kept["authenticated_at"]),
        expires_at=float(kept["expires_at"]),
        idle_for=float(kept["idle_for"]),
        idle_until=float(kept["idle_until"]),
        last_used_at=float(kept["last_used_at"]),
        amr=tuple(loads(kept["amr"])),
        acr=loads(kept["acr"]),
        previous=text(kept["previous"]),
        salt=text(kept["salt"]),
        renewed_at=float(kept["renewed_at"]),
        ended_at=number(kept["ended_at"]),
        remembered=remembered,
        name=name,
    )
