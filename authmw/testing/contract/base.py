"""What the contracts of all ports have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Generic, ParamSpec, TypeVar
from uuid import uuid4

import pytest

from authmw.testing.contract.processes import race_processes
from authmw.testing.contract.session import Play, Session, load

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

RACERS: Final = 8
"""How many threads race, or tasks where the store is asynchronous."""
_ROUNDS: Final = 25
_ROUNDS_IN_MEMORY: Final = 200


def between_processes(test: F) -> F:
    """Mark a test that is only for stores that several processes share."""
    test.__between_processes__ = True  # type: ignore[attr-defined]  # any function has a __dict__
    return test


class StoreContract(Generic[S]):
    """The part of each contract that opens the store. See `authmw.testing.contract`."""

    factory: ClassVar[str] = ""
    """``module:function``: called with a namespace, it answers a store on the data there, opened anew."""
    processes: ClassVar[bool] = True
    """Whether several processes can share the store. Where they cannot, their races are not collected."""

    namespace: str
    """Where the data of this test are: letters, digits and underscores, another for each test."""
    session: Session[S]

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
        """For as long as a test runs, a store that is its own."""
        self.namespace = f"contract_{uuid4().hex[:12]}"
        try:
            self.session = Session(self.open_store())
            try:
                yield
            finally:
                self.session.close()
        finally:
            self.drop(self.namespace)

    @contextmanager
    def opened_elsewhere(self) -> Generator[Session[S]]:
        """Another store beside the test's own, gone afterwards with all that it held."""
        own = self.namespace
        self.namespace = f"{own}_other"
        try:
            session: Session[S] = Session(self.open_store())
            try:
                yield session
            finally:
                session.close()
                self.drop(self.namespace)
        finally:
            self.namespace = own

    def open_store(self) -> object:
        """The store; or a context manager, also an asynchronous one, around it. By default what `factory` answers.

        It is empty, or at least knows nothing of what a new namespace stands for. Its ``close`` or ``aclose`` is
        called after the test if it has one.
        """
        if not self.factory:
            pytest.fail(f"{type(self).__name__} needs factory = 'module:function', or open_store", pytrace=False)
        return load(self.factory)(self.namespace)

    def drop(self, namespace: str) -> None:
        """Remove what a test has left. Nothing, by default."""

    @property
    def rounds(self) -> int:
        """How often racers start: so often that a store that reads and then writes is caught nearly surely.

        That takes more of them where nothing but the interpreter can come between the two.
        """
        return _ROUNDS if self.processes else _ROUNDS_IN_MEMORY

    @property
    def store(self) -> S:
        """The store, opened by `open_store`."""
        return self.session.store

    def ask(self, method: Callable[P, T | Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a method of the store answers, awaited where it has to be."""
        return self.session.ask(method, *args, **kwargs)

    def race(self, play: Play[S, T], *, racers: int = RACERS, rounds: int = 0) -> list[list[T]]:
        """What threads (or tasks) answered that played at once, round by round."""
        return self.session.race(play, racers=racers, rounds=rounds or self.rounds)

    def race_processes(self, play: Play[S, T], *, rounds: int = 0) -> list[list[T]]:
        """What processes answered that played at once, round by round."""
        if not self.factory:
            pytest.fail(f"{type(self).__name__} needs factory = 'module:function', or processes = False", pytrace=False)
        return race_processes(self.factory, self.namespace, play, rounds=rounds or self.rounds)
