"""Set of known revocations, and the decision whether they refuse a token."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from authmw.errors import FlowError

if TYPE_CHECKING:  # `note` imports the records, which take long to load
    from authmw.stores.records import Revocation, RevocationKind

KEPT_AFTER: Final = 120.0
"""Seconds that a revocation is kept after its end: for the leeway of a verifier, and for different clocks."""


class Issuance(NamedTuple):
    """Everything that a token can be revoked by: its ids, its subject, its client and the time of issue.

    Args:
        credential_id: the ``jti`` of a JWT, or the id of an opaque token's record.
        family_id: the login that it comes from: the ``sid``.
        subject: the id of the principal.
        client_id: the client that it was issued to.
        issued_at: in seconds since the epoch; None if the token does not say.
    """

    credential_id: str | None
    family_id: str | None
    subject: str
    client_id: str | None
    issued_at: float | None

    @property
    def keys(self) -> tuple[tuple[RevocationKind, str], ...]:
        """The keys for `RevocationStore.find_revocations`."""
        every: tuple[tuple[RevocationKind, str | None], ...] = (
            ("token", self.credential_id),
            ("family", self.family_id),
            ("user", self.subject),
            ("client", self.client_id),
        )
        return tuple((kind, name) for kind, name in every if name)


class Revoked:
    """The known revocations: the latest of each token, family, user and client.

    >>> from authmw.stores import Revocation
    >>> revoked = Revoked()
    >>> revoked.note(Revocation.of_user("alice", at=1000.5))
    >>> revoked.refuses(Issuance("jti-1", None, "alice", None, issued_at=1000.0))
    True
    >>> revoked.refuses(Issuance("jti-2", None, "alice", None, issued_at=1001.0))
    False
    """

    __slots__ = ("_clients", "_families", "_known", "_lock", "_tokens", "_users", "changes")

    def __init__(self) -> None:
        self.changes: int = 0
        """Grows with each revocation that is new, after it can be found."""
        self._tokens: dict[str | None, Revocation] = {}
        self._families: dict[str | None, Revocation] = {}
        self._users: dict[str | None, Revocation] = {}
        self._clients: dict[str | None, Revocation] = {}
        self._known: dict[RevocationKind, dict[str | None, Revocation]] = {
            "token": self._tokens,
            "family": self._families,
            "user": self._users,
            "client": self._clients,
        }
        self.unlock()

    def refuses(self, issuance: Issuance) -> bool:
        """Whether a known revocation refuses a token of this issuance."""
        credential_id, family_id, subject, client_id, issued_at = issuance
        if credential_id in self._tokens or family_id in self._families:
            return True
        # An ``iat`` has whole seconds, rounded down. A token from the second of the revocation counts as older than it.
        # For this the token service writes the next second into a token that it issues later in that second.
        return any(
            revocation is not None and (issued_at is None or issued_at <= revocation.at)
            for revocation in (self._users.get(subject), self._clients.get(client_id))
        )

    def note(self, revocation: object) -> None:
        """Add a revocation. It is merged with an earlier one of the same id: what either refuses stays refused.

        Raises:
            FlowError: `revocation` is not a `Revocation`.
        """
        from authmw.stores.records import Revocation

        if not isinstance(revocation, Revocation) or revocation.kind not in self._known:
            raise FlowError(f"a store of revocations answers Revocation, not {type(revocation).__name__}")
        known = self._known[revocation.kind]
        with self._lock:
            other = known.get(revocation.id)
            if other is not None:
                at, expires_at = max(other.at, revocation.at), max(other.expires_at, revocation.expires_at)
                revocation = Revocation(revocation.kind, revocation.id, at, expires_at)
            known[revocation.id] = revocation
            if other is None or other.at != revocation.at:
                self.changes += 1

    def drop_expired(self, now: float) -> None:
        """Drop revocations that expired more than `KEPT_AFTER` seconds before `now` (seconds since the epoch)."""
        with self._lock:
            for known in self._known.values():
                for name in [name for name, each in known.items() if each.expires_at + KEPT_AFTER <= now]:
                    del known[name]

    def unlock(self) -> None:
        """Replace the lock in a child process: another thread may have held it during the fork."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))
