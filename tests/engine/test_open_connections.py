"""The registry of open connections: what it looks at, in what portions, and what it keeps."""

from __future__ import annotations

import random
from math import inf
from typing import Any

import pytest

from authmw.engine.open_connections import LONGEST_PAUSE, SLICE, OpenConnections, ending_of
from authmw.identity.validity import Ending, Validity
from authmw.testing import FakeClock


class Connection:
    """A connection that notes how it was ended."""

    def __init__(self, *validities: Validity, is_finite: bool = False) -> None:
        self.validities = validities
        self.is_finite = is_finite
        self.endings: list[Ending] = []

    def end(self, ending: Ending) -> None:
        self.endings.append(ending)


class Known:
    """Revocations that a test sets, and how often it was asked about a connection."""

    def __init__(self, bound: float = 1.0) -> None:
        self.bound = bound
        self.changes = 0
        self.revoked: set[Any] = set()
        self.lost = -inf
        self.now = 100.0
        self.asked: list[Any] = []

    def revoke(self, issuance: Any) -> None:
        self.revoked.add(issuance)
        self.changes += 1

    def refuses(self, issuance: Any) -> bool:
        self.asked.append(issuance)
        return issuance in self.revoked

    def moment(self) -> float:
        return self.now

    def unknown_before(self) -> float:
        return self.lost


def test_each_connection_ends_at_its_own_time() -> None:
    clock, connections = FakeClock(0.0), OpenConnections()
    opened = [Connection(Validity(float(until), clock)) for until in (30, 10, 20, 20)]
    for each in opened:
        connections.add(each)
    ended: list[list[int]] = []
    for now in (9.0, 10.0, 19.9, 20.0, 1000.0):
        clock.now = now
        connections.look()
        ended.append([len(each.endings) for each in opened])
    assert ended == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]
    assert len(connections) == 0


def test_without_a_new_revocation_no_connection_is_asked_about_twice() -> None:
    known, connections = Known(), OpenConnections()
    for number in range(5):
        connections.add(Connection(Validity(inf, FakeClock(), known, number)))
    for _ in range(3):
        assert connections.look() is False
    assert sorted(known.asked) == [0, 1, 2, 3, 4]
    known.revoke(99)
    connections.look()
    assert sorted(known.asked) == sorted([0, 1, 2, 3, 4] * 2)


def test_many_connections_are_looked_at_in_portions_and_all_of_them() -> None:
    clock, known, connections = FakeClock(), Known(), OpenConnections()
    opened = [Connection(Validity(inf, clock, known, number)) for number in range(2 * SLICE + 10)]
    for each in opened:
        connections.add(each)
    while connections.look():
        pass
    known.asked.clear()
    known.revoke(0)
    known.revoke(2 * SLICE)
    portions: list[int] = []
    is_more = True
    while is_more:
        before = len(known.asked)
        is_more = connections.look()
        portions.append(len(known.asked) - before)
        known.changes += len(portions) == 1  # a revocation that becomes known meanwhile is looked for afterwards
    assert max(portions) == SLICE
    assert sum(portions) == len(opened)
    assert [number for number, each in enumerate(opened) if each.endings] == [0, 2 * SLICE]
    connections.look()
    assert len(known.asked) > len(opened)


def test_only_connections_from_before_an_outage_are_unknown_and_finite_ones_never() -> None:
    known, connections = Known(), OpenConnections()
    old = Connection(Validity(inf, FakeClock(), known, "old"))
    finite = Connection(Validity(inf, FakeClock(), known, "finite"), is_finite=True)
    connections.add(old)
    connections.add(finite)
    known.now = 200.0
    new = Connection(Validity(inf, FakeClock(), known, "new"))
    connections.add(new)
    known.lost = 150.0
    connections.look()
    assert (old.endings, new.endings, finite.endings) == ([Ending.UNKNOWN], [], [])


def test_a_connection_ends_once_with_the_first_of_its_credentials() -> None:
    clock, known, connections = FakeClock(0.0), Known(), OpenConnections()
    both = Connection(Validity(10.0, clock), Validity(10.0, clock, known, "both"))
    connections.add(both)
    known.revoke("both")
    clock.now = 10.0
    connections.look()
    connections.look()
    assert both.endings == [Ending.EXPIRED]


def test_a_connection_that_was_dropped_does_not_end() -> None:
    clock, connections = FakeClock(0.0), OpenConnections()
    dropped = Connection(Validity(10.0, clock))
    connections.add(dropped)
    connections.drop(dropped)
    connections.drop(dropped)
    clock.now = 10.0
    connections.look()
    assert (dropped.endings, len(connections)) == ([], 0)


def test_connections_that_have_gone_leave_nothing_behind() -> None:
    clock, known, connections = FakeClock(0.0), Known(), OpenConnections()
    stays = Connection(Validity(1000.0, clock, known, "stays"))
    connections.add(stays)
    for number in range(5000):
        gone = Connection(Validity(1000.0, clock, known, number))
        connections.add(gone)
        connections.drop(gone)
    (group,) = connections._groups.values()  # pyright: ignore[reportPrivateUsage]
    assert len(group._ends) < 100  # pyright: ignore[reportPrivateUsage]
    assert len(group.unchecked) < 100
    clock.now = 1000.0
    connections.look()
    assert stays.endings == [Ending.EXPIRED]


def test_connections_end_at_their_times_also_after_many_have_gone() -> None:
    clock, connections = FakeClock(0.0), OpenConnections()
    stay = [Connection(Validity(float(until), clock)) for until in range(1, 200)]
    for number, each in enumerate(random.Random(1).sample(stay, len(stay))):
        connections.add(each)
        for until in (number + 0.5, 900.0, 0.5):
            gone = Connection(Validity(until, clock))
            connections.add(gone)
            connections.drop(gone)
    for second, each in enumerate(stay, 1):
        assert each.endings == []
        clock.now = float(second)
        connections.look()
        assert each.endings == [Ending.EXPIRED]


@pytest.mark.parametrize(
    "bounds, pause",
    [([], LONGEST_PAUSE), ([1.0], 0.25), ([0.2, 1.0], 0.05), ([3600.0], LONGEST_PAUSE), ([0.001], 0.01)],
)
def test_the_pause_is_a_quarter_of_the_least_bound(bounds: list[float], pause: float) -> None:
    connections = OpenConnections()
    for bound in bounds:
        connections.add(Connection(Validity(inf, FakeClock(), Known(bound), 0)))
    assert connections.pause == pause


@pytest.mark.parametrize(
    "known, until, is_finite, ending",
    [
        ({}, 100.0, False, None),
        ({}, 50.0, False, Ending.EXPIRED),
        ({}, 50.0, True, None),
        ({"revoked": {"it"}}, 50.0, True, Ending.REVOKED),
        ({"lost": 200.0}, 100.0, False, Ending.UNKNOWN),
        ({"lost": 200.0}, 100.0, True, None),
        ({"lost": 200.0, "revoked": {"it"}}, 100.0, True, Ending.REVOKED),
    ],
)
def test_why_a_connection_ends_that_no_timer_looks_after(
    known: dict[str, Any], until: float, is_finite: bool, ending: Ending | None
) -> None:
    revocations = Known()
    vars(revocations).update(known)
    validity = Validity(until, lambda: 50.0, revocations, "it")
    assert ending_of((validity,), (validity.moment(),), is_finite=is_finite) is ending
