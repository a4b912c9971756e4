"""In-memory store of opaque access tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from operator import attrgetter

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.identity.principal import PrincipalKind
from authmw.stores.memory.issued import Issued
from authmw.stores.memory.users import MemoryUsers
from authmw.stores.new_records import make_token
from authmw.stores.records import TokenRecord
from authmw.stores.told_changes import revokes

_SUBJECT: Callable[[TokenRecord], str] = attrgetter("subject")
_CLIENT: Callable[[TokenRecord], str | None] = attrgetter("client_id")
_FAMILY: Callable[[TokenRecord], str | None] = attrgetter("family_id")


@CallMode.NONBLOCKING
class MemoryTokens:
    """Opaque access tokens in memory (`TokenKeeper`), as digests. Expired ones are dropped when new ones are added.

    Args:
        users: the tokens of a disabled user are refused.
        prefix: new tokens begin with it.
        clock: seconds since the epoch.
        entropy: makes random bytes.

    >>> tokens = MemoryTokens()
    >>> token, record = tokens.create("alice", ["orders:read"], lifetime=600)
    >>> record.subject, token.startswith("at_")
    ('alice', True)
    """

    def __init__(
        self,
        users: MemoryUsers | None = None,
        *,
        prefix: str = "at",
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy
        self._issued = Issued[TokenRecord]("token", {} if users is None else users.disabled_since)

    def find_token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, or None. A token of a disabled user or client counts as revoked."""
        return self._issued.find(digest, _SUBJECT, _CLIENT)

    def add_token(self, record: TokenRecord) -> None:
        """Store a new token."""
        now = self._clock()
        self._issued.drop(lambda each: each.expires_at <= now)
        self._issued.keep(record)

    def revoke_token(self, digest: str, at: float) -> bool:
        """Refuse the token with that digest from now on. True if this changed something."""
        with self._issued.lock:
            record = self._issued.find(digest)
            if record is None or record.revoked_at is not None:
                return False
            self._issued.revoke(record.id, at)
            return True

    def revoke_family_tokens(self, family_id: str, at: float) -> None:
        """Refuse all tokens of a family from now on."""
        self._issued.revoke_all(_FAMILY, family_id, at)

    def revoke_subject_tokens(self, subject: str, at: float) -> None:
        """Refuse all tokens of a subject from now on."""
        self._issued.revoke_all(_SUBJECT, subject, at)

    def revoke_client_tokens(self, client_id: str, at: float) -> None:
        """Refuse all tokens that were issued to a client from now on."""
        self._issued.revoke_all(_CLIENT, client_id, at)

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: Seconds = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, shown only now, and its record; see `authmw.stores.TokenAdmin.create`."""
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
        self.add_token(record)
        return token, record

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all tokens, oldest first."""
        return self._issued.list(_SUBJECT, subject)

    def erase(self, subject: str) -> None:
        """Delete the tokens of `subject`, as a user is deleted."""
        self._issued.remove_all(_SUBJECT, subject)

    @revokes("token")
    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on."""
        return self._issued.revoke(token_id, self._clock())
