"""What users and clients have in common: ids that are given once, and what ends with whom they name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from authmw.stores.ports import RefreshFamily, Revocation

if TYPE_CHECKING:
    from authmw.stores.memory.families import MemoryFamilies
    from authmw.stores.memory.revocations import MemoryRevocations
    from authmw.stores.memory.tokens import MemoryTokens


class Subjects:
    """The users and clients that tokens are about.

    No user has the id of a client (RFC 9068 §5), for a token of one would be taken for a token of the other.
    """

    def __init__(self) -> None:
        self.disabled_since: dict[str, float] = {}
        """When each disabled user or client was disabled, by id; `MemoryApiKeys` and `MemoryTokens` look here."""
        self._ids: set[str] = set()
        self._issued: tuple[MemoryFamilies, MemoryTokens, MemoryRevocations] | None = None
        self._lock = threading.Lock()

    def take(self, id: str) -> bool:
        """Give `id` to a new user or client; whether it was free."""
        with self._lock:
            if id in self._ids:
                return False
            self._ids.add(id)
            return True

    def hold(self, *, families: MemoryFamilies, tokens: MemoryTokens, revocations: MemoryRevocations) -> None:
        """From now on, end what these hold with whom it is about."""
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


def _tell(revocations: MemoryRevocations, ended: tuple[RefreshFamily, ...], at: float) -> None:
    for family in ended:
        revocations.publish(Revocation.of_family(family.id, at))
