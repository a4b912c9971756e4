"""Contracts of throttles, and of stores of familiar sources."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import FamiliarSources, Throttle
from authmw.testing.contract.base import RACERS, StoreContract, between_processes
from authmw.testing.contract.processes import PROCESSES

NOW: Final = float(int(time.time()))


class ThrottleContract(StoreContract[Throttle]):
    """The contract of `authmw.stores.Throttle`."""

    free: ClassVar[int] = 5
    """The number of attempts that need no wait, 2 to 7. Open the throttle with it."""

    def attempts(self, key: str, count: int, *, now: float = NOW) -> list[float]:
        """The answers to `count` attempts."""
        return [self.ask(self.store.attempt, key, now) for _ in range(count)]

    def assert_free(self, key: str, count: int) -> None:
        """Exactly `count` attempts need no wait."""
        *answers, last = self.attempts(key, count + 1)
        assert answers == [0.0] * count
        assert last > 0.0

    def test_after_the_free_attempts_the_next_one_waits(self) -> None:
        self.assert_free("account:Zo\u00eb \U0001f510", self.free)

    def test_who_has_waited_as_told_goes_ahead(self) -> None:
        wait = self.attempts("account:alice", self.free + 1)[-1]
        assert self.ask(self.store.attempt, "account:alice", NOW + wait) == 0.0

    def test_who_was_overtaken_or_has_a_clock_that_is_behind_still_goes_ahead_freely(self) -> None:
        times = [NOW - 0.001 * number for number in range(self.free)]
        assert [self.ask(self.store.attempt, "account:alice", at) for at in times] == [0.0] * self.free
        assert self.attempts("account:alice", 1)[0] > 0.0

    def test_keys_are_counted_apart(self) -> None:
        self.attempts("account:alice", self.free + 3)
        for key in ("account:Alice", "account:alice ", "source:alice", "account:alic", "account:%"):
            self.assert_free(key, self.free)

    def test_a_success_takes_back_one_attempt_and_no_more(self) -> None:
        self.attempts("account:alice", self.free)
        self.ask(self.store.succeeded, "account:alice")
        self.assert_free("account:alice", 1)

    def test_a_success_that_was_no_attempt_gives_none_away(self) -> None:
        for _ in range(3):
            self.ask(self.store.succeeded, "account:alice")
        self.assert_free("account:alice", self.free)

    def test_of_many_attempts_at_once_the_free_ones_go_ahead(self) -> None:
        for answers in self.race(partial(_attempt, NOW, 1)):
            assert answers.count([0.0]) == self.free

    @between_processes
    def test_of_attempts_by_processes_at_once_the_free_ones_go_ahead(self) -> None:
        for answers in self.race_processes(partial(_attempt, NOW, 3)):
            assert sum(each.count(0.0) for each in answers) == self.free

    def test_of_many_successes_at_once_each_takes_one_attempt_back(self) -> None:
        for number in range(self.rounds):
            self.attempts(f"key-{number}", self.free)
        self.race(_succeed, racers=self.free)
        for number in range(self.rounds):
            self.assert_free(f"key-{number}", self.free)


class FamiliarSourcesContract(StoreContract[FamiliarSources]):
    """The contract of `authmw.stores.FamiliarSources`."""

    def knows(self, pair: str, now: float) -> bool:
        """Whether the store knows `pair`."""
        return self.ask(self.store.knows_source, pair, now)

    def test_a_source_is_known_until_then(self) -> None:
        self.ask(self.store.remember_source, "Zo\u00eb 2001:db8::1", NOW + 1000)
        assert [self.knows("Zo\u00eb 2001:db8::1", NOW + at) for at in (0, 999, 1001)] == [True, True, False]

    def test_a_source_that_is_remembered_again_is_known_for_longer(self) -> None:
        for until in (NOW + 1000, NOW + 2000):
            self.ask(self.store.remember_source, "alice 192.0.2.1", until)
        assert self.knows("alice 192.0.2.1", NOW + 1500)

    def test_pairs_are_known_apart(self) -> None:
        self.ask(self.store.remember_source, "alice 192.0.2.1", NOW + 1000)
        for pair in ("alice 192.0.2.10", "bob 192.0.2.1", "Alice 192.0.2.1", "alice", "alice 192.0.2._", "%", ""):
            assert not self.knows(pair, NOW)

    def test_sources_that_are_remembered_at_once_are_all_known(self) -> None:
        self.race(_remember)
        self.assert_all_known(RACERS)

    @between_processes
    def test_sources_that_processes_remember_at_once_are_all_known(self) -> None:
        self.race_processes(_remember)
        self.assert_all_known(PROCESSES)

    def assert_all_known(self, racers: int) -> None:
        """The store knows each pair that a racer remembered."""
        pairs = [f"alice-{number} {racer}" for number in range(self.rounds) for racer in range(racers)]
        assert [pair for pair in pairs if not self.knows(pair, NOW)] == []


def _attempt(now: float, tries: int, store: Throttle, racer: int, number: int) -> Flow[Sequence[float]]:
    answers: list[float] = []
    for _ in range(tries):
        answers.append((yield from Ask(store.attempt, f"key-{number}", now)))
    return answers


def _succeed(store: Throttle, racer: int, number: int) -> Flow[None]:
    yield from Ask(store.succeeded, f"key-{number}")


def _remember(store: FamiliarSources, racer: int, number: int) -> Flow[None]:
    yield from Ask(store.remember_source, f"alice-{number} {racer}", NOW + 3600)
