"""What ending a login takes of a token service. The command has as much of one, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authmw.ports import FamilyStore, RevocationStore, TokenKeeper


class Kept(Protocol):
    """Where logins are, what was issued in them, and what processes tell each other about both."""

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Logins."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """What every process follows."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...
