"""Union of several revocation stores, for example users disabled in SQL and tokens revoked in Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from operator import is_not
from typing import Any, TypeVar

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.stores.ports import Answer, RevocationStore, for_threads
from authmw.stores.records import Revocation, RevocationKind, RevocationPage

T = TypeVar("T")
J = TypeVar("J")


class JoinedRevocations:
    """Reads the revocations of several stores, and publishes in the last of them (`RevocationStore`).

    The end of a user is published in the store that keeps users, the end of a session in the store that keeps
    sessions. A program that keeps the two in different stores has to read both.

    Args:
        stores: two or more. If one of them is asynchronous, none may block. If one has a blocking twin, ``sync``, each
            asynchronous one has a twin.

    Raises:
        ConfigurationError: one store would block the event loop that another one needs, or has no twin for the thread
            that reads the twin of another one.

    >>> from authmw.stores import MemoryRevocations
    >>> users, sessions = MemoryRevocations(), MemoryRevocations()
    >>> joined = JoinedRevocations(users, sessions)
    >>> users.publish(Revocation.of_user("alice", 1e10))
    >>> [each.id for each in joined.revocations_after("", 100).revocations]
    ['alice']
    """

    def __init__(self, *stores: RevocationStore) -> None:
        self._stores = stores
        modes = [{_mode(store)} for store in stores]
        modes[-1].add(CallMode.of(stores[-1].publish))
        awaited, blocking = (
            [store for store, its in zip(stores, modes, strict=True) if mode in its]
            for mode in (CallMode.ASYNC, CallMode.BLOCKING)
        )
        if awaited and blocking:
            raise ConfigurationError(
                f"revocations in {_types(awaited)}, which is asynchronous, and in {_types(blocking)}, which may block: "
                "use AsyncSQLStores with AsyncRedisStores, or SQLStores with RedisStores"
            )
        if awaited:
            CallMode.ASYNC(self)
            twins = [for_threads(store) for store in stores]
            alone, paired = (
                [store for store, twin in zip(stores, twins, strict=True) if _mode(twin) is mode]
                for mode in (CallMode.ASYNC, CallMode.BLOCKING)
            )
            if alone and paired:
                raise ConfigurationError(
                    f"the thread that follows revocations calls the `sync` twin of {_types(paired)}, and "
                    f"{_types(alone)} has none: give it an attribute `sync`, a store of the same revocations whose "
                    "methods are `def`"
                )
            if any(map(is_not, twins, stores)):
                self.sync: JoinedRevocations = JoinedRevocations(*twins)
        elif all(its == {CallMode.NONBLOCKING} for its in modes):
            CallMode.NONBLOCKING(self)

    def publish(self, revocation: Revocation) -> Answer[None]:
        """Store a revocation in the last of the stores."""
        return self._stores[-1].publish(revocation)

    def revocations_after(self, cursor: str, limit: int) -> Answer[RevocationPage]:
        """The revocations that were published in any of the stores since `cursor`."""
        # Each store has its own cursor. A page has at least `limit` entries as soon as one store has that many, so the
        # reader asks for the next page.
        cursors: list[str] = json.loads(cursor) if cursor else [""] * len(self._stores)
        questions = [
            partial(store.revocations_after, each, limit) for store, each in zip(self._stores, cursors, strict=True)
        ]
        return self._join(questions, _page)

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> Answer[tuple[Revocation, ...]]:
        """The revocations of `keys` in any of the stores."""
        return self._join([partial(store.find_revocations, keys) for store in self._stores], _found)

    def _join(self, questions: Sequence[Callable[[], Answer[T]]], join: Callable[[list[T]], J]) -> Answer[J]:
        answers: list[Any] = []
        if CallMode.of(self.find_revocations) is not CallMode.ASYNC:
            for number, question in enumerate(questions, start=1):
                answer: Any = question()
                if hasattr(answer, "__await__"):  # of a ``def`` without a mark
                    return _joined([partial(_same, answer), *questions[number:]], answers, join)
                answers.append(answer)
            return join(answers)
        return _joined(questions, answers, join)


def _types(stores: Sequence[RevocationStore]) -> str:
    return " and ".join(dict.fromkeys(type(each).__name__ for each in stores))


def _mode(store: RevocationStore) -> CallMode:
    """How the reading methods of a store are called."""
    modes = {CallMode.of(store.revocations_after), CallMode.of(store.find_revocations)}
    return modes.pop() if len(modes) == 1 else CallMode.BLOCKING


def _page(pages: list[RevocationPage]) -> RevocationPage:
    revocations = tuple(revocation for page in pages for revocation in page.revocations)
    return RevocationPage(revocations, json.dumps([page.cursor for page in pages]))


def _found(answers: list[tuple[Revocation, ...]]) -> tuple[Revocation, ...]:
    return tuple(revocation for found in answers for revocation in found)


def _same(answer: T) -> T:
    return answer


async def _joined(questions: Sequence[Callable[[], Any]], answers: list[Any], join: Callable[[list[Any]], J]) -> J:
    """The result of `join`. A question is asked only after the one before is answered: no awaitable is left over."""
    for question in questions:
        answer = question()
        answers.append(await answer if hasattr(answer, "__await__") else answer)
    return join(answers)
