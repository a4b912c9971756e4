"""Open connections, by what ends them: the part of the timer that reads clocks and revocations, and no store.

A connection that stays open ends when the credentials that opened it do not hold any more. Whatever the number of
connections is, each look reads one clock and one counter for each verifier; only a new revocation makes it look at
every connection, a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final, NamedTuple, Protocol

from authmw.identity.validity import Ending, Revocations, Validity

SLICE: Final = 1000
"""Connections that are looked at before the event loop goes on: about half a millisecond."""
LONGEST_PAUSE: Final = 0.25
"""Seconds between two looks, at most. A quarter of the bound of the feed, if that is less: so is each reading of it."""
_SHORTEST_PAUSE: Final = 0.01
_FEW: Final = 64

WHY: Final = "the credentials that opened the connection do not hold any more"


class ConnectionEnded(ConnectionAbortedError):
    """The connection was ended. Raised to the application as a server does when the client has gone."""


class OpenConnection(Protocol):
    """A connection that stays open."""

    @property
    def validities(self) -> tuple[Validity, ...]:
        """Until when the credentials hold that opened it."""
        ...

    @property
    def is_finite(self) -> bool:
        """Whether it ends by itself, so that only a revocation ends it earlier."""
        ...

    def end(self, ending: Ending) -> None:
        """End it. Called once; must not wait."""
        ...


class OpenConnections:
    """The open connections of one event loop. Used by one thread.

    >>> class Connection:
    ...     validities, is_finite = (Validity(1000.0, lambda: 1000.0),), False
    ...     def end(self, ending): print(ending)
    >>> connections = OpenConnections()
    >>> connections.add(Connection())
    >>> connections.look(), len(connections)
    Ending.EXPIRED
    (False, 0)
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[int, int], _Group] = {}
        self._places: dict[int, tuple[tuple[_Group, int], ...]] = {}
        self._number = 0

    def add(self, connection: OpenConnection) -> None:
        """Look after `connection`, until it is ended or dropped."""
        places: list[tuple[_Group, int]] = []
        for validity in connection.validities:
            key = id(validity.clock), id(validity.revocations)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Group(validity.clock, validity.revocations)
            self._number += 1
            group.add(self._number, connection, validity)
            places.append((group, self._number))
        self._places[id(connection)] = tuple(places)

    def drop(self, connection: OpenConnection) -> None:
        """Forget `connection`, which may have been ended or dropped before."""
        for group, number in self._places.pop(id(connection), ()):
            group.drop(number)

    def look(self) -> bool:
        """End each connection whose credentials do not hold any more. Whether the rest is to be looked at at once.

        Raises:
            Exception: a clock of the application raised, after everything else was looked at.
        """
        is_more, failed = False, None
        for key, group in list(self._groups.items()):
            if not group.members:
                del self._groups[key]
                continue
            try:
                ended = list(group.ended())
            except Exception as error:
                failed = error
                continue
            for connection, ending in ended:
                if id(connection) in self._places:
                    self.drop(connection)
                    connection.end(ending)
            is_more = is_more or bool(group.unchecked)
        if failed is not None:
            raise failed
        return is_more

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        bounds = [group.revocations.bound for group in self._groups.values() if group.revocations is not None]
        return max(_SHORTEST_PAUSE, min([LONGEST_PAUSE, *(bound / 4 for bound in bounds)]))

    def __len__(self) -> int:
        return len(self._places)


class _Member(NamedTuple):
    connection: OpenConnection
    validity: Validity
    since: float


class _Group:
    """The connections whose validity is told by one clock and one feed of revocations."""

    __slots__ = ("_ends", "_seen", "clock", "members", "revocations", "unchecked")

    def __init__(self, clock: Callable[[], float], revocations: Revocations | None) -> None:
        self.clock = clock
        self.revocations = revocations
        self.members: dict[int, _Member] = {}
        self._ends: list[tuple[float, int]] = []
        self._seen = 0 if revocations is None else revocations.changes
        self.unchecked: list[int] = []
        """The connections at which it is to be looked because of a revocation."""

    def add(self, number: int, connection: OpenConnection, validity: Validity) -> None:
        self.members[number] = _Member(connection, validity, validity.moment())
        if validity.revocations is not None:
            # What became known between the verdict and now was looked for among the others only.
            self.unchecked.append(number)
            if len(self.unchecked) > 2 * len(self.members) + _FEW:
                self.unchecked = [each for each in self.unchecked if each in self.members]
        if validity.until != inf and not connection.is_finite:
            heappush(self._ends, (validity.until, number))
            if len(self._ends) > 2 * len(self.members) + _FEW:
                self._ends = [each for each in self._ends if each[1] in self.members]
                heapify(self._ends)

    def drop(self, number: int) -> None:
        self.members.pop(number, None)

    def ended(self) -> Iterator[tuple[OpenConnection, Ending]]:
        """Each connection that has to end now."""
        if self._ends:
            now = self.clock()
            while self._ends and self._ends[0][0] <= now:
                member = self.members.get(heappop(self._ends)[1])
                if member is not None:
                    yield member.connection, Ending.EXPIRED
        if self.revocations is not None:
            yield from self._ended_by_revocation(self.revocations)

    def _ended_by_revocation(self, revocations: Revocations) -> Iterator[tuple[OpenConnection, Ending]]:
        lost = revocations.unknown_before()
        if lost != -inf:
            for connection, _, since in self.members.values():
                if since < lost and not connection.is_finite:
                    yield connection, Ending.UNKNOWN
        if not self.unchecked and self._seen != revocations.changes:
            self._seen = revocations.changes  # read first: what becomes known from here on is a change again
            self.unchecked = list(self.members)
        looked_at, self.unchecked = self.unchecked[-SLICE:], self.unchecked[:-SLICE]
        for number in looked_at:
            member = self.members.get(number)
            if member is not None and revocations.refuses(member.validity.issuance):
                yield member.connection, Ending.REVOKED


def ending_of(validities: tuple[Validity, ...], since: tuple[float, ...], *, is_finite: bool) -> Ending | None:
    """Why a connection has to end now; None while it may go on. For those that no timer looks after.

    Args:
        validities: until when the credentials hold that opened it.
        since: of each, the moment at which it was opened.
        is_finite: whether it ends by itself.
    """
    for validity, moment in zip(validities, since, strict=True):
        ending = validity.ending(moment)
        if ending is Ending.REVOKED or (ending is not None and not is_finite):
            return ending
    return None
