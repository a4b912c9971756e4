"""Contract of throttles."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import Throttle
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import HOLD, MAX_MARKS, PATIENCE, TURN
from authmw.testing.contract.base import RACERS, StoreContract, between_processes
from authmw.testing.contract.processes import PROCESSES

NOW: Final = float(int(time.time()))
ALICE: Final = "account:Zo\u00eb \U0001f510"
_MANY: Final = 50


class ThrottleContract(StoreContract[Throttle]):
    """The contract of `authmw.stores.Throttle`."""

    free: ClassVar[int] = 5
    """The number of attempts that need no wait, 2 to 7. Open the throttle with it."""

    def reserve(self, attempt: Attempt, now: float = NOW) -> Reservation | Wait:
        """The answer to one attempt."""
        answer: object = self.ask(self.store.reserve, attempt, now)
        assert isinstance(answer, Reservation | Wait), answer
        return answer

    def reserved(self, attempt: Attempt, now: float = NOW) -> Reservation:
        """The reservation for an attempt that may be checked."""
        answer = self.reserve(attempt, now)
        assert isinstance(answer, Reservation), answer
        return answer

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float = NOW, familiar_until: float = 0.0
    ) -> None:
        """End a reservation."""
        self.ask(self.store.settle, reservation, outcome, now, familiar_until)

    def fail(self, attempt: Attempt, now: float = NOW, *, times: int = 1) -> None:
        """Attempts that may be checked, one after the other, and fail."""
        for _ in range(times):
            self.settle(self.reserved(attempt, now), AttemptOutcome.FAILED, now)

    def assert_free(self, attempt: Attempt, count: int, now: float = NOW) -> None:
        """Exactly `count` attempts may be checked at the same time."""
        *answers, last = [self.reserve(attempt, now) for _ in range(count + 1)]
        assert [type(each) for each in answers] == [Reservation] * count
        assert isinstance(last, Wait), last

    @staticmethod
    def by(network: int, *, account: str = ALICE) -> Attempt:
        """An attempt on the account from a source in that network."""
        return Attempt(f"source:10.{network}", account, f"10.{network}", (f"mark-{account}-{network}",))

    def used_up(self, now: float = NOW, *, by: int = 1) -> None:
        """The free attempts on the account have failed, each from another source."""
        for number in range(self.free):
            self.fail(Attempt(f"source:10.{by}.{number}", ALICE, f"10.{by}"), now)

    # What is in flight, and what failed

    def test_reservations_that_are_not_settled_count(self) -> None:
        self.assert_free(Attempt("", ALICE), self.free)

    def test_those_of_a_source_count_for_all_accounts(self) -> None:
        for number in range(self.free):
            self.reserved(Attempt("source:one", f"account:{number}", "one"))
        refused = self.reserve(Attempt("source:one", ALICE, "one"))
        assert refused == Wait(1.0)
        self.reserved(Attempt("source:two", ALICE, "two"))

    def test_failures_and_reservations_count_together(self) -> None:
        self.fail(Attempt("", ALICE), times=2)
        self.assert_free(Attempt("", ALICE), self.free - 2)

    def test_a_source_that_failed_too_often_is_told_so_and_waits_twice_as_long_each_time(self) -> None:
        attempt, now = Attempt("source:one"), NOW
        self.fail(attempt, times=self.free)
        for wait in (1.0, 2.0, 4.0, 8.0):
            assert self.reserve(attempt, now) == Wait(wait, source_failed=True)
            assert self.reserve(attempt, now + wait / 2) == Wait(wait / 2, source_failed=True)
            now += wait
            self.fail(attempt, now)

    def test_after_the_free_ones_one_attempt_is_checked_at_a_time(self) -> None:
        attempt = Attempt("source:one")
        self.fail(attempt, times=self.free)
        self.assert_free(attempt, 1, NOW + 1.0)
        assert self.reserve(attempt, NOW + 1.0) == Wait(1.0)

    def test_of_an_account_one_is_checked_a_minute_once_the_free_ones_failed(self) -> None:
        self.used_up()
        for turn in range(1, 4):
            refused = self.reserve(self.by(turn), NOW + turn * TURN - 0.5)
            assert refused == Wait(0.5), "it does not tell who failed"
            self.fail(self.by(turn), NOW + turn * TURN)

    @staticmethod
    def _not_counting() -> tuple[AttemptOutcome, ...]:
        return AttemptOutcome.SUCCEEDED, AttemptOutcome.ABANDONED

    def test_what_succeeded_or_was_abandoned_does_not_count(self) -> None:
        for outcome in self._not_counting():
            for _ in range(2 * self.free):
                self.settle(self.reserved(self.by(1)), outcome)
        self.fail(self.by(1), times=self.free - 1)
        for outcome in self._not_counting():
            self.settle(self.reserved(self.by(1)), outcome)
        self.assert_free(self.by(1), 1)

    def test_a_success_gives_back_its_own_reservation_and_no_failure(self) -> None:
        self.fail(self.by(1), times=2)
        others = [self.reserved(self.by(1)) for _ in range(self.free - 2)]
        self.settle(others.pop(), AttemptOutcome.SUCCEEDED)
        self.assert_free(self.by(1), 1)

    def test_settling_twice_gives_nothing_away(self) -> None:
        kept = self.reserved(Attempt("", ALICE))
        for now in (NOW, NOW + 0.25):
            twice = self.reserved(Attempt("", ALICE), now + 0.125)
            self.settle(twice, AttemptOutcome.SUCCEEDED, now + 0.125)
            self.settle(twice, AttemptOutcome.SUCCEEDED, now + 0.125)
        self.assert_free(Attempt("", ALICE), self.free - 1, NOW + 0.5)
        self.settle(kept, AttemptOutcome.SUCCEEDED, NOW + 0.5)

    def test_a_reservation_of_a_process_that_was_killed_is_given_back_in_half_a_minute(self) -> None:
        self.assert_free(self.by(1), self.free)
        assert isinstance(self.reserve(self.by(1), NOW + HOLD - 0.5), Wait)
        self.assert_free(self.by(1), self.free, NOW + HOLD)

    def test_what_fails_after_its_reservation_was_given_back_counts_still(self) -> None:
        late = [self.reserved(Attempt("", ALICE)) for _ in range(self.free)]
        for each in late:
            self.settle(each, AttemptOutcome.FAILED, NOW + 2 * HOLD)
        assert self.reserve(Attempt("", ALICE), NOW + 2 * HOLD) == Wait(TURN)

    def test_a_random_secret_holds_nothing_and_counts_if_it_is_wrong(self) -> None:
        attempt = Attempt("source:one", guessable=False)
        answers = [self.reserved(attempt) for _ in range(4 * self.free)]
        assert {each.held_until for each in answers} == {0.0}
        self.assert_free(Attempt("source:one"), self.free)
        for each in answers[: self.free]:
            self.settle(each, AttemptOutcome.FAILED)
        assert self.reserve(attempt) == Wait(1.0, source_failed=True)

    def test_what_is_refused_counts_neither_for_the_source_nor_for_the_account(self) -> None:
        self.used_up()
        for _ in range(2 * self.free):
            assert self.reserve(self.by(7)) == Wait(TURN)
        self.assert_free(Attempt("source:10.7"), self.free)
        self.fail(Attempt("source:10.8"), times=self.free)
        other = "account:other"
        assert self.reserve(self.by(8, account=other)) == Wait(1.0, source_failed=True)
        self.assert_free(Attempt("", other), self.free)

    def test_keys_are_counted_apart(self) -> None:
        self.fail(Attempt("source:alice", "account:alice", "alice"), times=self.free)
        names = (
            "account:Alice",
            "account:alice ",
            "account:source:alice",
            "account:alic",
            "account:%",
            "account:_lice",
        )
        for name in names:
            self.assert_free(Attempt("", name), self.free)
        for name in ("source:Alice", "source:alic", "source:%", "account:alice."):
            self.assert_free(Attempt(name), self.free)

    def test_long_names_and_any_character_are_keys_too(self) -> None:
        for name in ("a" * 3000, "a" * 2999 + "b", "nul\0", "new\nline"):
            self.assert_free(Attempt(f"source:{name}", f"account:{name}", name), self.free)

    # Time

    def test_a_clock_that_is_behind_lets_no_more_in_and_keeps_nobody_out(self) -> None:
        times = [NOW - 0.125 * number for number in range(self.free)]
        for at in times:
            self.fail(Attempt("", ALICE), at)
        assert isinstance(self.reserve(Attempt("", ALICE), NOW - 1.0), Wait)

    def test_a_clock_that_was_set_back_makes_no_wait_longer(self) -> None:
        self.used_up(NOW + 86_400.0)
        self.reserve(self.by(1), NOW + 86_400.0)
        held = [self.reserve(Attempt("source:one"), NOW + 86_400.0) for _ in range(self.free)]
        assert len(held) == self.free
        self.assert_free(Attempt("source:one"), self.free)
        assert self.reserve(self.by(2)) == Wait(TURN)
        self.fail(self.by(2), NOW + TURN)

    def test_a_count_starts_again_after_a_pause(self) -> None:
        self.used_up()
        self.assert_free(Attempt("", ALICE), self.free, NOW + (self.free + 1) * TURN)

    # Turns

    def test_the_network_that_was_served_longest_ago_is_next(self) -> None:
        self.used_up(by=1)
        self.fail(self.by(2), NOW + TURN)
        self.fail(self.by(1), NOW + 2 * TURN)
        for network in (1, 2, 3):
            assert isinstance(self.reserve(self.by(network), NOW + 2 * TURN + network), Wait)
        for turn, network in enumerate((3, 2, 1), 3):
            now = NOW + turn * TURN
            waiting = [other for other in (1, 2, 3) if other != network]
            for other in waiting[: 5 - turn]:
                assert self.reserve(self.by(other), now) == Wait(1.0)
            self.fail(self.by(network), now)
            waits = [self.reserve(self.by(other), now) for other in (1, 2, 3)]
            assert waits == [Wait(TURN)] * 3

    def test_a_network_that_does_not_come_loses_its_turn_and_is_no_longer_first(self) -> None:
        self.used_up(by=1)
        for network in (2, 1):
            assert self.reserve(self.by(network), NOW + 1.0) == Wait(TURN - 1.0)
        late = NOW + TURN + PATIENCE
        assert isinstance(self.reserve(self.by(1), late - 1.0), Wait)
        self.fail(self.by(1), late + 1.0)
        for network in (3, 2, 1):
            assert isinstance(self.reserve(self.by(network), late + 2.0), Wait)
        assert isinstance(self.reserve(self.by(2), late + 1.0 + TURN), Wait), "3 never had a turn"
        self.reserved(self.by(3), late + 1.0 + TURN)

    def test_a_turn_that_was_abandoned_was_none(self) -> None:
        self.used_up(by=1)
        self.settle(self.reserved(self.by(2), NOW + TURN), AttemptOutcome.ABANDONED, NOW + TURN)
        self.fail(self.by(1), NOW + TURN)
        for network in (1, 2):
            assert isinstance(self.reserve(self.by(network), NOW + TURN + 1), Wait)
        assert isinstance(self.reserve(self.by(1), NOW + 2 * TURN), Wait)
        self.reserved(self.by(2), NOW + 2 * TURN)

    def test_of_many_networks_in_line_the_first_is_the_next(self) -> None:
        self.used_up(by=1)
        for network in range(100, 100 + _MANY):
            refused = self.reserve(self.by(network), NOW + (network - 100) / 1024)
            assert isinstance(refused, Wait)
        assert isinstance(self.reserve(self.by(99 + _MANY), NOW + TURN), Wait)
        self.reserved(self.by(100), NOW + TURN)

    # What is familiar

    def test_attempts_of_others_do_not_delay_what_the_account_is_familiar_with(self) -> None:
        home = self.by(1)
        self.settle(self.reserved(home), AttemptOutcome.SUCCEEDED, NOW, NOW + 1000)
        self.used_up(by=2)
        assert isinstance(self.reserve(self.by(3)), Wait)
        answer = self.reserved(home)
        assert (answer.mark, answer.known_until) == (home.marks[0], NOW + 1000)
        self.settle(answer, AttemptOutcome.FAILED)
        self.assert_free(Attempt("", home.account, home.network, home.marks), self.free - 1)

    def test_an_account_is_familiar_until_then_and_for_longer_if_it_is_told_again(self) -> None:
        for until in (NOW + 1000, NOW + 2000, NOW + 500):
            self.ask(self.store.make_familiar, ALICE, "mark", until)
        attempt = Attempt("", ALICE, "one", ("other", "mark"))
        for at, known in ((0.0, True), (1999.0, True), (2000.0, False)):
            answer = self.reserved(attempt, NOW + at)
            assert (answer.mark, answer.known_until) == (("mark", NOW + 2000) if known else ("", 0.0))

    def test_no_account_is_familiar_with_the_mark_of_another_attempt(self) -> None:
        self.ask(self.store.make_familiar, ALICE, "mark", NOW + 1000)
        for marks in ((), ("Mark",), ("mark ",), ("mar_",), ("%",), ("",)):
            answer = self.reserved(Attempt("", ALICE, "one", marks))
            assert answer.mark == ""
            self.settle(answer, AttemptOutcome.SUCCEEDED)

    def test_the_marks_of_one_account_are_bounded(self) -> None:
        for number in range(MAX_MARKS + 20):
            self.ask(self.store.make_familiar, ALICE, f"mark-{number}", NOW + 1000 + number)
        numbers = (0, 19, 20, MAX_MARKS + 19)
        known = [self.reserved(Attempt("", ALICE, "", (f"mark-{number}",))).mark for number in numbers]
        assert known == ["", "", "mark-20", f"mark-{MAX_MARKS + 19}"]

    # At the same time

    def test_of_many_attempts_at_once_the_free_ones_go_ahead(self) -> None:
        for answers in self.race(_reserve_one):
            assert sum(answers) == self.free

    @between_processes
    def test_of_attempts_by_processes_at_once_the_free_ones_go_ahead(self) -> None:
        for answers in self.race_processes(partial(_fail, 3)):
            assert sum(map(sum, answers)) == self.free

    def test_of_many_that_fail_at_once_each_counts(self) -> None:
        for answers in self.race(partial(_fail, 2)):
            assert sum(map(sum, answers)) == self.free

    def test_of_many_successes_at_once_each_gives_back_its_own(self) -> None:
        self.race(_succeed, racers=self.free)
        for number in range(self.rounds):
            self.assert_free(Attempt(f"source:{number}", f"account:{number}"), self.free)

    def test_marks_that_are_remembered_at_once_are_all_known(self) -> None:
        self.race(_remember)
        self.assert_all_known(RACERS)

    @between_processes
    def test_marks_that_processes_remember_at_once_are_all_known(self) -> None:
        self.race_processes(_remember)
        self.assert_all_known(PROCESSES)

    def assert_all_known(self, racers: int) -> None:
        """The store knows each mark that a racer had remembered."""
        for number in range(self.rounds):
            for racer in range(racers):
                attempt = Attempt("", f"account:{number}", "", (f"mark-{number}-{racer}",))
                assert self.reserved(attempt).mark == attempt.marks[0]


def _reserve_one(store: Throttle, racer: int, number: int) -> Flow[bool]:
    answer: object = yield from Ask(store.reserve, Attempt("", f"account:{number}", str(racer)), NOW)
    return isinstance(answer, Reservation)


def _fail(tries: int, store: Throttle, racer: int, number: int) -> Flow[Sequence[bool]]:
    checked: list[bool] = []
    for _ in range(tries):
        answer = yield from Ask(store.reserve, Attempt(f"source:{number}", f"account:{number}", str(racer)), NOW)
        checked.append(isinstance(answer, Reservation))
        if isinstance(answer, Reservation):
            yield from Ask(store.settle, answer, AttemptOutcome.FAILED, NOW, 0.0)
    return checked


def _succeed(store: Throttle, racer: int, number: int) -> Flow[None]:
    answer = yield from Ask(store.reserve, Attempt(f"source:{number}", f"account:{number}", "one"), NOW)
    assert isinstance(answer, Reservation)
    yield from Ask(store.settle, answer, AttemptOutcome.SUCCEEDED, NOW, 0.0)


def _remember(store: Throttle, racer: int, number: int) -> Flow[None]:
    yield from Ask(store.make_familiar, f"account:{number}", f"mark-{number}-{racer}", NOW + 3600)
