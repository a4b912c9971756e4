"""What users and clients have in common: ids that are given once, and what ends with whom they name."""

from __future__ import annotations

import threading
from typing import Protocol

from authmw.stores.records import RefreshFamily, Revocation


class Families(Protocol):
    """The refresh families that end with their subject: `MemoryFamilies`."""

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """End those of a user; which were live."""
        ...

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """End those of a client; which were live."""
        ...


class Tokens(Protocol):
    """The opaque tokens that end with their subject: `MemoryTokens`."""

    def revoke_subject_tokens(self, subject: str, at: float) -> object:
        """Revoke those of a user or client."""
        ...

    def revoke_client_tokens(self, client_id: str, at: float) -> object:
        """Revoke those that were issued to a client."""
        ...


class Revocations(Protocol):
    """Where a revocation is published: `MemoryRevocations`."""

    def publish(self, revocation: Revocation) -> object:
        """Tell every verifier that follows the revocations."""
        ...


class Subjects:
    """The users and clients that tokens are about.

    No user has the id of a client (RFC 9068 §5), for a token of one would be taken for a token of the other.
    """

    def __init__(self) -> None:
        self.disabled_since: dict[str, float] = {}
        """When each disabled user or client was disabled, by id; `MemoryApiKeys` and `MemoryTokens` look here."""
        self._ids: set[str] = set()
        self._issued: tuple[Families, Tokens, Revocations] | None = None
        self._lock = threading.Lock()

    def take(self, id: str) -> bool:
        """Give `id` to a new user or client; whether it was free."""
        with self._lock:
            if id in self._ids:
                return False
            self._ids.add(id)
            return True

    def hold(self, *, families: Families, tokens: Tokens, revocations: Revocations) -> None:
        """Revoke the tokens and sessions in these stores when their subject is disabled."""
        self._issued = families, tokens, revocations

    def end_user(self, user_id: str, at: float) -> None:
        """End what was issued to a user until `at`, and tell."""
        if self._issued is not None:
            families, tokens, revocations = self._issued
            # First: a login under way that is not found below finds this.
            revocations.publish(Revocation.of_user(user_id, at))
            tokens.revoke_subject_tokens(user_id, at)
            _tell(revocations, families.end_families(user_id, at), at)

    def end_client(self, client_id: str, at: float) -> None:
        """End what was issued to a client until `at`, and tell."""
        if self._issued is not None:
            families, tokens, revocations = self._issued
            revocations.publish(Revocation.of_client(client_id, at))
            tokens.revoke_client_tokens(client_id, at)
            _tell(revocations, families.end_client_families(client_id, at), at)


def _tell(revocations: Revocations, ended: tuple[RefreshFamily, ...], at: float) -> None:
    for family in ended:
        revocations.publish(Revocation.of_family(family.id, at))
