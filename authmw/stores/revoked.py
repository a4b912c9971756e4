"""What was revoked, as far as somebody knows, and which tokens that refuses."""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

from authmw.errors import FlowError
from authmw.stores.records import Revocation, RevocationKind

KEPT_AFTER: Final = 120.0
"""Seconds that a revocation is kept after its end: for a verifier's leeway, and for clocks that differ."""


class Issuance(NamedTuple):
    """To whom, by what and when a token was issued: whatever it can be revoked by.

    Args:
        credential_id: the ``jti`` of a JWT, or the id of an opaque token's record.
        family_id: the login it is from, as the ``sid``.
        subject: the id of the principal.
        client_id: the client it was given to.
        issued_at: when, in seconds since the epoch; None when the token does not tell.
    """

    credential_id: str | None
    family_id: str | None
    subject: str
    client_id: str | None
    issued_at: float | None

    @property
    def keys(self) -> tuple[tuple[RevocationKind, str], ...]:
        """What a store is asked about."""
        every: tuple[tuple[RevocationKind, str | None], ...] = (
            ("token", self.credential_id),
            ("family", self.family_id),
            ("user", self.subject),
            ("client", self.client_id),
        )
        return tuple((kind, name) for kind, name in every if name)


class Revoked:
    """Revocations that are known, the latest of each token, family, user and client.

    >>> revoked = Revoked()
    >>> revoked.note(Revocation.of_user("alice", at=1000.5))
    >>> revoked.refuses(Issuance("jti-1", None, "alice", None, issued_at=1000.0))
    True
    >>> revoked.refuses(Issuance("jti-2", None, "alice", None, issued_at=1001.0))
    False
    """

    __slots__ = ("_clients", "_families", "_known", "_lock", "_tokens", "_users")

    def __init__(self) -> None:
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
        """Whether a token of this issuance is refused by something known."""
        credential_id, family_id, subject, client_id, issued_at = issuance
        if credential_id in self._tokens or family_id in self._families:
            return True
        # An ``iat`` has whole seconds, rounded down: of the second of the revocation, it is taken for earlier. What the
        # token service issues later in that second says the next one.
        return any(
            revocation is not None and (issued_at is None or issued_at <= revocation.at)
            for revocation in (self._users.get(subject), self._clients.get(client_id))
        )

    def note(self, revocation: object) -> None:
        """Know of a revocation, beside an earlier one of the same: whatever either refuses is refused.

        Raises:
            FlowError: it is none.
        """
        if not isinstance(revocation, Revocation) or revocation.kind not in self._known:
            raise FlowError(f"a store of revocations answers Revocation, not {type(revocation).__name__}")
        known = self._known[revocation.kind]
        with self._lock:
            other = known.get(revocation.id)
            if other is not None:
                at, expires_at = max(other.at, revocation.at), max(other.expires_at, revocation.expires_at)
                revocation = Revocation(revocation.kind, revocation.id, at, expires_at)
            known[revocation.id] = revocation

    def drop_expired(self, now: float) -> None:
        """Forget what has been over for `KEPT_AFTER` seconds at `now`, in seconds since the epoch."""
        with self._lock:
            for known in self._known.values():
                for name in [name for name, each in known.items() if each.expires_at + KEPT_AFTER <= now]:
                    del known[name]

    def unlock(self) -> None:
        """Go on in a child process, forked while another thread may have held the lock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))
