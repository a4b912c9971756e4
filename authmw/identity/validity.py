"""Validity: until when verified credentials hold, for connections that stay open after the verdict."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any, NamedTuple, Protocol


class Ending(Enum):
    """Why credentials do not hold any more."""

    EXPIRED = "expired"
    """Their time is over: from now on the verifier refuses them."""
    REVOKED = "revoked"
    """A revocation is known: of the credential, of its session, or of its user or client."""
    UNKNOWN = "unknown"
    """For too long, revocations could not be read. So nobody can say that they were not revoked."""


class Revocations(Protocol):
    """What a process knows of revocations without asking a store, as `RevocationFeed`."""

    @property
    def bound(self) -> float:
        """Seconds within which a revocation is known."""
        ...

    @property
    def changes(self) -> int:
        """A number that grows with each revocation that becomes known."""
        ...

    def refuses(self, issuance: Any, /) -> bool:
        """Whether a known revocation refuses these credentials. Old data can refuse too."""
        ...

    def moment(self) -> float:
        """The time, for `unknown_before`."""
        ...

    def unknown_before(self) -> float:
        """The time before which credentials were verified of which nobody can say any more whether they hold.

        ``-inf`` if that is known of all credentials.
        """
        ...


class Validity(NamedTuple):
    """Until when verified credentials hold, and what may end them earlier.

    Args:
        until: the time from which the verifier refuses them, its leeway included, in seconds since the epoch; ``inf``
            if they do not expire.
        clock: the clock of the verifier.
        revocations: what is known of revocations; None if the credentials are valid until they expire.
        issuance: what they can be revoked by, for `revocations`.

    >>> Validity(1000.0, lambda: 999.0).ending(0.0), Validity(1000.0, lambda: 1000.0).ending(0.0)
    (None, <Ending.EXPIRED: 'expired'>)
    """

    until: float
    clock: Callable[[], float]
    revocations: Revocations | None = None
    issuance: Any = None

    def ending(self, since: float) -> Ending | None:
        """Why the credentials do not hold any more; None while they hold.

        Args:
            since: the `moment` of the revocations at which they were known to hold.
        """
        revocations = self.revocations
        if revocations is not None:
            # First: what is lost now may have been read by then.
            lost = revocations.unknown_before()
            if revocations.refuses(self.issuance):
                return Ending.REVOKED
            if since < lost:
                return Ending.UNKNOWN
        return Ending.EXPIRED if self.until != inf and self.until <= self.clock() else None

    def moment(self) -> float:
        """The present, for `ending`."""
        return 0.0 if self.revocations is None else self.revocations.moment()


class Leeway:
    """The validity of all credentials of one verifier: until they expire, and some seconds more.

    A `Validity` for each remembered token would take a fifth of the memory, and few connections stay open.

    Args:
        seconds: how long the verifier takes credentials that have expired.
        clock: the clock of the verifier.

    >>> Leeway(30, lambda: 1020.0).validities(1000)[0].until
    1030
    """

    __slots__ = ("_clock", "_seconds")

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock

    def validities(self, expires_at: float) -> tuple[Validity, ...]:
        """The validity of credentials that expire at that time."""
        return (Validity(expires_at + self._seconds, self._clock),)


Validities = tuple[Validity, ...] | Leeway
"""Until when credentials hold, one for each; or a `Leeway` for those of one principal that says when it expires."""


def each_of(validities: Validities, expires_at: float | None) -> tuple[Validity, ...]:
    """The `Validity` of each of the credentials.

    Args:
        validities: of a verdict.
        expires_at: that of its principal.
    """
    if not isinstance(validities, Leeway):
        return validities
    return () if expires_at is None else validities.validities(expires_at)
