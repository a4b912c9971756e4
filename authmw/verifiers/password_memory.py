"""Memory of passwords that were right a moment ago, so that a client of Basic does not cost a hash for each request.

Three rules hold here:

1. Kept is a digest under a random key of the process, never the password or a bare hash of it. It covers the id of the
   account and the stored hash. So an entry counts only while the store has that hash.
2. An entry belongs to the source that proved the password, and few other passwords end it. What is remembered is not
   asked for at the throttle, so a client that the throttle refuses could find the password here.
3. What is read from the store is dated before it is read. Otherwise a change between the two could be missed.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from authmw.errors import Unavailable
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.clocks import monotonic
from authmw.flow.flow import Flow
from authmw.flow.single_flight import SingleFlight
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected
from authmw.stores.records import User
from authmw.stores.revoked import Issuance
from authmw.stores.throttling import HOLD

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

LONGEST_REMEMBERED: Final = 3600.0
"""The longest time in seconds for which a password may be remembered."""
_MOST_REMEMBERED: Final = 16_384
"""The most entries. Only right passwords make one, and each costs a hash: ten cores make about as many in a minute."""
_MOST_OTHERS: Final = 10
"""Other passwords of the same account and source that end an entry: as many as a throttle lets fail without a wait."""

Asker: TypeAlias = tuple[str, str]
"""The user name as it was typed, in NFC, and the key of the source."""


class Moment(NamedTuple):
    """A time on two clocks: seconds since the epoch, and seconds of a monotonic clock."""

    wall: float
    monotonic: float


class _Proved:
    """A password that was right.

    Args:
        proof: the digest.
        ends: when it ends, in seconds of the monotonic clock.
        issuance: what it can be revoked by.
        stored: the stored hash; empty if the user is looked up each time.
        seen: the user and when the store was asked for it; None if the user is looked up each time.
    """

    __slots__ = ("ends", "issuance", "others", "proof", "seen", "stored")

    def __init__(self, proof: bytes, ends: float, issuance: Issuance, stored: str) -> None:
        self.proof: bytes = proof
        self.ends: float = ends
        self.issuance: Issuance = issuance
        self.stored: str = stored
        self.seen: tuple[User, float] | None = None
        self.others: int = 0


Guess: TypeAlias = _Proved | None
"""The entry that a password was compared with in vain; None if it was not."""


class PasswordMemory:
    """Remembers which clients proved a password within the last `remember_for` seconds.

    A child process that is forked keeps the key and the entries of its parent. Both are as secret in one as in the
    other.

    Args:
        remember_for: seconds from the check of a password until it is checked again.
        clock: seconds since the epoch.
        feed: the feed of revocations. With it, the user is looked up once within its bound instead of each time.
        monotonic: seconds of a monotonic clock. An entry ends by that of the two clocks that is ahead.
        random: returns as many random bytes as its argument says, for the key.
    """

    def __init__(
        self,
        remember_for: float,
        clock: Callable[[], float],
        feed: RevocationFeed | None = None,
        *,
        monotonic: Callable[[], float] = monotonic,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._remember_for = remember_for
        self._clock = clock
        self._monotonic = monotonic
        self._feed = feed
        self._key = random(32)
        self._kept = BoundedCache[Asker, _Proved](_MOST_REMEMBERED, longest=remember_for, clock=clock)
        self.flights: SingleFlight[User | Rejected] = SingleFlight(longest=HOLD)
        """The checks that are running, by asker and proof. No check takes as long as `HOLD`."""

    def now(self) -> Moment:
        """The time, to be read before the store is."""
        return Moment(self._clock(), self._monotonic())

    def proof(self, user: User | None, stored: str, password: str) -> bytes:
        """The keyed digest of a password, of the stored hash that it is compared with, and of the id of the user.

        The password is taken as it was typed, since older hashes tell its normal forms apart.
        """
        account = _encoded("" if user is None else user.id)
        against = _encoded(stored)
        # With lengths: otherwise the end of one text could be taken for the beginning of the next.
        lengths = b"%d:%d:" % (len(account), len(against))
        return hmac.digest(self._key, b"%b%b%b%b" % (lengths, account, against, _encoded(password)), "sha256")

    def user_of(self, asker: Asker, password: str) -> User | Guess:
        """The user of a remembered password, if the store was read within the bound of the feed; else the guess.

        Asks nothing. A change that the store has accepted is seen after the bound, as for tokens.
        """
        feed, entry = self._feed, self._entry(asker)
        if feed is None:
            return None
        seen = None if entry is None else entry.seen
        user, read_at = seen or (None, 0.0)
        # The work is the same for a name that is not remembered.
        is_same = self._is_proved(entry, self.proof(user, "" if entry is None else entry.stored, password))
        if entry is not None and not is_same:
            # Now, and not when the store has answered: until then any number of others could be compared.
            self._count_other(asker, entry)
            return entry
        if entry is None or user is None:
            return None
        return user if self._monotonic() < read_at + feed.bound and feed.passes(entry.issuance) else None

    def recall(self, asker: Asker, proof: bytes, user: User | None, began: Moment, guess: Guess) -> Flow[User | None]:
        """`user`, if the asker proved this password a moment ago, and nothing has ended that since; else None.

        Args:
            asker: who asks.
            proof: of the password.
            user: the user, as the store has it now; None if it has none that may log in.
            began: the time before the store was read.
            guess: the answer of `user_of`: an entry counts a password once.
        """
        entry = self._entry(asker)
        is_same = self._is_proved(entry, proof)
        if entry is None:
            return None
        if user is None:
            self.forget(asker)
            return None
        if not is_same:
            if entry is not guess:
                self._count_other(asker, entry)
            return None
        if self._feed is not None and not (yield from self._still_holds(self._feed, entry)):
            self.forget(asker)
            return None
        self._see(entry, user, began)
        return user

    def proved_meanwhile(self, asker: Asker, proof: bytes, user: User | None) -> User | None:
        """`user`, if another request of the asker has proved this password since `recall`; else None. Asks nothing."""
        return user if self._is_proved(self._entry(asker), proof) else None

    def keep(self, asker: Asker, proof: bytes, user: User, stored: str, began: Moment) -> None:
        """Remember that the password of `proof` was right.

        Args:
            asker: who proved it.
            proof: of the password, for the hash that the store has now.
            user: the user.
            stored: the hash that the store has now.
            began: the time before the store was read.
        """
        issuance = Issuance(None, None, user.id, None, began.wall)
        entry = _Proved(proof, began.monotonic + self._remember_for, issuance, stored if self._feed else "")
        self._see(entry, user, began)
        self._kept.put(asker, entry, began.wall + self._remember_for)

    def forget(self, asker: Asker) -> None:
        """End what is remembered of an asker."""
        self._kept.drop(asker)

    def __len__(self) -> int:
        return len(self._kept)

    def _entry(self, asker: Asker) -> _Proved | None:
        entry = self._kept.get(asker)
        return entry if entry is not None and self._monotonic() < entry.ends else None

    def _is_proved(self, entry: _Proved | None, proof: bytes) -> bool:
        # Compared in any case, so that the work is the same for a name that is not remembered. No digest is empty.
        return hmac.compare_digest(proof, bytes(len(proof)) if entry is None else entry.proof) and entry is not None

    def _count_other(self, asker: Asker, entry: _Proved) -> None:
        with self.flights.lock:
            entry.others += 1
            is_over = entry.others >= _MOST_OTHERS
        if is_over:
            self.forget(asker)

    @staticmethod
    def _still_holds(feed: RevocationFeed, entry: _Proved) -> Flow[bool]:
        """Whether no revocation has ended it. Without fresh data of the feed, the store is asked."""
        if feed.passes(entry.issuance):
            return True
        verdict = feed.check(entry.issuance, Authenticated(Principal(entry.issuance.subject)))
        if not isinstance(verdict, (Authenticated, Rejected)):
            try:
                verdict = yield from verdict
            except Unavailable:
                return False  # the password itself says more than the store of revocations: it is hashed
        return isinstance(verdict, Authenticated)

    def _see(self, entry: _Proved, user: User, began: Moment) -> None:
        """Note what the store said. Both values are replaced at once: a reader never sees half of it."""
        if self._feed is not None and (entry.seen is None or entry.seen[1] < began.monotonic):
            entry.seen = (user, began.monotonic)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
