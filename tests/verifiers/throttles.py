"""A throttle that does as it is told, and notes what it is asked."""

from __future__ import annotations

from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import HOLD


class Throttle:
    """Lets every attempt be checked, but those on the keys that it is told to make wait."""

    def __init__(self, **waits: float) -> None:
        self.waits = {key.replace("_", ":", 1): wait for key, wait in waits.items()}
        self.attempts: list[Attempt] = []
        self.settled: list[tuple[Attempt, AttemptOutcome]] = []
        self.familiar: list[tuple[str, str, float]] = []
        self.known_until = 0.0

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        self.attempts.append(attempt)
        if attempt.source in self.waits:
            return Wait(self.waits[attempt.source], source_failed=True)
        if attempt.account in self.waits:
            return Wait(self.waits[attempt.account])
        mark = attempt.marks[0] if self.known_until > now else ""
        return Reservation(attempt, mark, self.known_until, now + HOLD if attempt.guessable else 0.0)

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        self.settled.append((reservation.attempt, outcome))
        if familiar_until:
            self.familiar += [(reservation.attempt.account, mark, familiar_until) for mark in reservation.attempt.marks]

    def make_familiar(self, account: str, mark: str, until: float) -> None:
        self.familiar.append((account, mark, until))

    @property
    def outcomes(self) -> list[AttemptOutcome]:
        """How the reservations ended."""
        return [outcome for _, outcome in self.settled]
