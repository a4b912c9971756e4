"""Base class of the contracts: it opens the store of each test, and runs races on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Generic, ParamSpec, TypeVar
from uuid import uuid4

import pytest

from authmw.testing.contract.open_store import OpenStore, Play, load
from authmw.testing.contract.processes import race_processes

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

RACERS: Final = 8
"""The number of threads in a race, or of tasks if the store is asynchronous."""
_ROUNDS: Final = 25
_ROUNDS_IN_MEMORY: Final = 200


def between_processes(test: F) -> F:
    """Mark a test for stores that several processes can share."""
    test.__between_processes__ = True  # type: ignore[attr-defined]  # any function has a __dict__
    return test


class StoreContract(Generic[S]):
    """The base of each contract, which opens the store. See `authmw.testing.contract`."""

    factory: ClassVar[str] = ""
    """``module:function``: a function that takes a namespace, and returns a newly opened store on the data there."""
    processes: ClassVar[bool] = True
    """Whether several processes can share the store. If not, races between processes are not collected."""

    namespace: str
    """The name for the data of this test: letters, digits and underscores, different for each test."""
    opened_store: OpenStore[S]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.processes:
            for name in dir(cls):
                if hasattr(getattr(cls, name), "__between_processes__"):
                    setattr(cls, name, None)

    @pytest.fixture(autouse=True)
    def _opened(self) -> Iterator[None]:
        with self.opened():
            yield

    @contextmanager
    def opened(self) -> Generator[None]:
        """Open a store for one test while the block runs, under a new namespace."""
        self.namespace = f"contract_{uuid4().hex[:12]}"
        try:
            self.opened_store = OpenStore(self.open_store())
            try:
                yield
            finally:
                self.opened_store.close()
        finally:
            self.drop(self.namespace)

    @contextmanager
    def second_store(self) -> Generator[OpenStore[S]]:
        """A second store with a namespace of its own. Its data are removed when the block ends."""
        own = self.namespace
        self.namespace = f"{own}_other"
        try:
            opened: OpenStore[S] = OpenStore(self.open_store())
            try:
                yield opened
            finally:
                opened.close()
                self.drop(self.namespace)
        finally:
            self.namespace = own

    def open_store(self) -> object:
        """The store, or a context manager that opens it, also an asynchronous one. By default `factory` returns it.

        It has to be empty, at least for a new namespace. Its ``close`` or ``aclose``, if it has one, is called after
        the test.
        """
        if not self.factory:
            pytest.fail(f"{type(self).__name__} needs factory = 'module:function', or open_store", pytrace=False)
        return load(self.factory)(self.namespace)

    def drop(self, namespace: str) -> None:
        """Remove the data of a test. By default it does nothing."""

    @property
    def rounds(self) -> int:
        """The rounds of a race: enough to catch a store that first reads and then writes, almost surely.

        A store in memory needs more of them: only a switch of threads by the interpreter can come in between.
        """
        return _ROUNDS if self.processes else _ROUNDS_IN_MEMORY

    @property
    def store(self) -> S:
        """The store, opened by `open_store`."""
        return self.opened_store.store

    def ask(self, method: Callable[P, T | Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a method of the store, awaited if it has to be."""
        return self.opened_store.ask(method, *args, **kwargs)

    def race(self, play: Play[S, T], *, racers: int = RACERS, rounds: int = 0) -> list[list[T]]:
        """Run `play` on several threads (or tasks) at once. Returns their answers, round by round."""
        return self.opened_store.race(play, racers=racers, rounds=rounds or self.rounds)

    def race_processes(self, play: Play[S, T], *, rounds: int = 0) -> list[list[T]]:
        """Run `play` in several processes at once. Returns their answers, round by round."""
        if not self.factory:
            pytest.fail(f"{type(self).__name__} needs factory = 'module:function', or processes = False", pytrace=False)
        return race_processes(self.factory, self.namespace, play, rounds=rounds or self.rounds)
