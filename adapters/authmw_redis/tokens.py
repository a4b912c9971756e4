"""Opaque access tokens in Redis: one string for each, under the token's digest, so that one GET finds it.

The string is a JSON array. Once the token is revoked, the time of that stands in front of the array. A time without an
array is a tombstone, see `authmw_redis.index`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from json import JSONDecoder, JSONEncoder
from typing import Any, Final

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.durations import Seconds
from authmw.identity.principal import PrincipalKind
from authmw.stores.administration import NotFound
from authmw.stores.new_records import make_token
from authmw.stores.ports import Answer
from authmw.stores.records import TokenRecord
from authmw.stores.told_changes import revokes
from authmw_redis.commands import Command, Script, Steps, ask, ask_all, milliseconds, text
from authmw_redis.index import enter, of_all, refuse, refused_at
from authmw_redis.names import IndexedBy, Names
from authmw_redis.server import Runner, Server

_decode: Final = JSONDecoder().decode
_encode: Final = JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_REVOKE: Final = Script("""
local kept = redis.call('GET', KEYS[1])
if not kept then
  if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
  return 0
end
if string.sub(kept, 1, 1) ~= '[' then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. kept, 'KEEPTTL')
return 1
""")


class RedisTokens:
    """Opaque access tokens, as digests (`TokenKeeper`).

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
    """

    def __init__(self, server: Runner, names: Names, *, clock: Callable[[], float]) -> None:
        self._run = server.run
        self._names = names
        self._clock = clock

    def find_token(self, digest: str) -> Answer[TokenRecord | None]:
        """The token with that digest, or None."""
        return self._run(self._find(digest))

    def add_token(self, record: TokenRecord) -> Answer[None]:
        """Store a new token. It is stored as revoked if its family has ended."""
        return self._run(self._add(record))

    def revoke_token(self, digest: str, at: float) -> Answer[bool]:
        """Refuse the token with that digest from now on. Returns whether this changed anything."""
        return self._run(self._revoke(digest, at))

    def revoke_family_tokens(self, family_id: str, at: float) -> Answer[None]:
        """Refuse all tokens of a family from now on, also those added later: a family that ended never comes back."""
        return self._run(self._revoke_all("family", family_id, at))

    def revoke_subject_tokens(self, subject: str, at: float) -> Answer[None]:
        """Refuse all tokens of a subject from now on, also those made before `at` that are added later."""
        return self._run(self._revoke_all("subject", subject, at))

    def revoke_client_tokens(self, client_id: str, at: float) -> Answer[None]:
        """Refuse all tokens of a client from now on, also those made before `at` that are added later."""
        return self._run(self._revoke_all("client", client_id, at))

    def _find(self, digest: str) -> Steps[TokenRecord | None]:
        return _record(digest, (yield from ask(self._get(digest))))

    def _add(self, record: TokenRecord) -> Steps[None]:
        now = self._clock()
        lifetime = milliseconds(record.expires_at, now)
        named: dict[IndexedBy, str | None] = {
            "subject": record.subject,
            "client": record.client_id,
            "family": record.family_id,
        }
        entered: dict[IndexedBy, Command] = {
            by: enter(self._names.index_for("token", by, name, record.digest), record.digest, record.expires_at, now)
            for by, name in named.items()
            if name is not None
        }
        by_id = Command(("SET", self._names.hashed("token-id", record.id), record.digest, "PX", lifetime))
        replies = dict(zip(entered, (yield from ask_all([*entered.values(), by_id])), strict=False))
        ended = replies.pop("family", None)
        revoked_at = refused_at(replies.values(), record.created_at) if ended is None else float(ended)
        if record.revoked_at is not None:
            revoked_at = record.revoked_at
        kept = _text(record) if revoked_at is None else f"{revoked_at!r}{_text(record)}"
        # NX keeps a tombstone. If this is sent a second time, it also keeps a revocation that came in between.
        yield from ask(Command(("SET", self._key(record.digest), kept, "PX", lifetime, "NX")))

    def _revoke(self, digest: str, at: float) -> Steps[bool]:
        return bool((yield from ask(_REVOKE(self._key(digest), args=(repr(float(at)), "")))))

    def _revoke_all(self, by: IndexedBy, name: str, at: float) -> Steps[None]:
        now = self._clock()
        indexes = self._names.indexes("token", by, name)
        yield from refuse(indexes, at, now)

        def revoke(digest: str, expires_at: float) -> Command:
            args = (repr(float(at)), milliseconds(expires_at, now))
            return _REVOKE(self._key(digest), args=args, repeatable=True)

        yield from of_all(indexes, revoke, _nothing)

    def _get(self, digest: str) -> Command:
        return Command(("GET", self._key(digest)))

    def _key(self, digest: str) -> str:
        return self._names.of("token", digest)


class RedisTokenAdmin(RedisTokens):
    """Opaque access tokens, and their management (`TokenAdmin`): on a sync `Server`.

    Args:
        server: runs the commands.
        names: the names of the keys.
        clock: seconds since the epoch.
        prefix: the beginning of new tokens.
        entropy: makes the random bytes of tokens.
    """

    def __init__(
        self,
        server: Server,
        names: Names,
        *,
        clock: Callable[[], float],
        prefix: str = "at",
        entropy: Entropy = os.urandom,
    ) -> None:
        super().__init__(server, names, clock=clock)
        self._server = server
        self._prefix = prefix
        self._entropy = entropy

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: Seconds = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, shown only this once, and its record; see `authmw.stores.TokenAdmin.create`."""
        token, record = make_token(
            subject,
            scopes,
            lifetime=lifetime,
            kind=kind,
            client_id=client_id,
            prefix=self._prefix,
            now=self._clock(),
            entropy=self._entropy,
        )
        self._server.run(self._add(record))
        return token, record

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all, oldest first. To list all, every key of the server is scanned."""
        if subject is None:
            records = self._every()
        else:
            indexes = self._names.indexes("token", "subject", subject)
            records = self._server.run(of_all(indexes, lambda digest, _: self._get(digest), _record))
        return tuple(sorted(records, key=lambda record: (record.created_at, record.id)))

    @revokes("token")
    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on. It may be revoked twice. Raises `NotFound`."""
        record = self._server.run(self._revoke_by_id(token_id))
        if record is None:
            raise NotFound(f"there is no token {token_id!r}")
        return record

    def _revoke_by_id(self, token_id: str) -> Steps[TokenRecord | None]:
        digest = yield from ask(Command(("GET", self._names.hashed("token-id", token_id))))
        if digest is None:
            return None
        yield from self._revoke(text(digest), self._clock())
        return (yield from self._find(text(digest)))

    def _every(self) -> Iterable[TokenRecord]:
        begin, end = self._key("|").split("|")
        found = (text(key) for key in self._server.client.scan_iter(match=f"{begin}*{end}", count=1000))
        # A scan may return a key twice.
        digests = {key.removeprefix(begin).removesuffix(end) for key in found}
        records = (self._server.run(self._find(digest)) for digest in digests)
        return (record for record in records if record is not None)


def _nothing(digest: str, reply: Any) -> None:
    """No result: the callers do not need the tokens that were revoked."""


def _text(record: TokenRecord) -> str:
    return _encode(
        [
            record.id,
            record.subject,
            record.expires_at,
            sorted(record.scopes),
            record.kind,
            record.client_id,
            record.created_at,
            sorted(record.audience),
            record.family_id,
        ]
    )


def _record(digest: str, reply: Any) -> TokenRecord | None:
    if reply is None:
        return None
    kept = text(reply)
    revoked_at = None
    if kept[0] != "[":
        before, bracket, rest = kept.partition("[")
        revoked_at, kept = float(before), bracket + rest
        if not rest:
            return None
    token_id, subject, expires_at, scopes, kind, client_id, created_at, audience, family_id = _decode(kept)
    return TokenRecord(
        token_id,
        digest,
        subject,
        expires_at,
        frozenset(scopes),
        kind,
        client_id,
        created_at,
        revoked_at,
        frozenset(audience),
        family_id,
    )
