"""Register of the ids of users and clients, and the revocations that follow when one of them is disabled."""

from __future__ import annotations

import threading
from typing import Protocol

from authmw.stores.records import RefreshFamily, Revocation


class Families(Protocol):
    """The refresh families that end with their user or client: `MemoryFamilies`."""

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """End the live families of a user, and answer them."""
        ...

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """End the live families of a client, and answer them."""
        ...


class Tokens(Protocol):
    """The opaque tokens that end with their user or client: `MemoryTokens`."""

    def revoke_subject_tokens(self, subject: str, at: float) -> object:
        """Revoke the tokens of a user or client."""
        ...

    def revoke_client_tokens(self, client_id: str, at: float) -> object:
        """Revoke the tokens that were issued to a client."""
        ...


class Revocations(Protocol):
    """The store that revocations are published in: `MemoryRevocations`."""

    def publish(self, revocation: Revocation) -> object:
        """Store a revocation for every verifier that follows them."""
        ...


class Subjects:
    """The ids of users and clients, each given once.

    No user has the id of a client (RFC 9068 §5): a token of one would be taken for a token of the other.
    """

    def __init__(self) -> None:
        self.disabled_since: dict[str, float] = {}
        """Id → time of disabling, of each disabled user or client. `MemoryApiKeys` and `MemoryTokens` read it."""
        self._ids: set[str] = set()
        self._issued: tuple[Families, Tokens, Revocations] | None = None
        self._lock = threading.Lock()

    def take(self, id: str) -> bool:
        """Give `id` to a new user or client. True if it was free."""
        with self._lock:
            if id in self._ids:
                return False
            self._ids.add(id)
            return True

    def hold(self, *, families: Families, tokens: Tokens, revocations: Revocations) -> None:
        """Revoke the tokens and sessions in these stores when their subject is disabled."""
        self._issued = families, tokens, revocations

    def end_user(self, user_id: str, at: float) -> None:
        """Revoke what was issued to a user until `at`, and publish it."""
        if self._issued is not None:
            families, tokens, revocations = self._issued
            # First: a login in progress, whose family is not found below, finds this revocation.
            revocations.publish(Revocation.of_user(user_id, at))
            tokens.revoke_subject_tokens(user_id, at)
            _publish_ends(revocations, families.end_families(user_id, at), at)

    def end_client(self, client_id: str, at: float) -> None:
        """Revoke what was issued to a client until `at`, and publish it."""
        if self._issued is not None:
            families, tokens, revocations = self._issued
            revocations.publish(Revocation.of_client(client_id, at))
            tokens.revoke_client_tokens(client_id, at)
            _publish_ends(revocations, families.end_client_families(client_id, at), at)


def _publish_ends(revocations: Revocations, ended: tuple[RefreshFamily, ...], at: float) -> None:
    for family in ended:
        revocations.publish(Revocation.of_family(family.id, at))
