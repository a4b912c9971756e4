"""One function, wrapped in any number of ways, and what each of the wrappers needs by the rules of the documentation.

What is said here of a wrapper is worked out from how it was made alone, and asks nothing of authmw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Final

from hypothesis import strategies as st

from authmw import Principal, any_of, authenticated, optionally_authenticated, public, requires, requires_scopes

PEOPLE: Final = {
    "nothing": Principal("alice"),
    "a": Principal("alice", scopes={"a"}),
    "b": Principal("alice", scopes={"b"}),
    "abc": Principal("alice", scopes={"a", "b", "c"}),
    "abc-of-bob": Principal("bob", scopes={"a", "b", "c"}),
}
"""By their tokens."""


def is_alice(principal: Principal, request: object) -> bool:
    """A predicate."""
    return principal.id == "alice"


@dataclass(frozen=True)
class Needs:
    """What is needed: nothing, somebody, or what somebody has to have."""

    open: bool = False
    optional: bool = False
    scopes: frozenset[str] = frozenset()
    groups: frozenset[frozenset[str]] = frozenset()
    alice: bool = False

    def __and__(self, other: Needs) -> Needs:
        opened = self.open and other.open
        return Needs(
            opened,
            opened and (self.optional or other.optional),
            self.scopes | other.scopes,
            self.groups | other.groups,
            self.alice or other.alice,
        )

    def admits(self, token: str | None) -> int:
        """The status that is the answer to `token`."""
        if self.open:
            return 200
        if token is None:
            return 401
        principal = PEOPLE[token]
        has_scopes = self.scopes <= principal.scopes and all(group & principal.scopes for group in self.groups)
        return 200 if has_scopes and (principal.id == "alice" or not self.alice) else 403


def both(one: Needs | None, other: Needs | None) -> Needs | None:
    """What both ask for; None is nothing declared."""
    return one or other if one is None or other is None else one & other


def closed(needs: Needs | None) -> Needs | None:
    """What is left of it where a hole is not inherited."""
    return None if needs is None or needs.open else needs


@dataclass(frozen=True)
class Layer:
    """A way to wrap something.

    Args:
        name: for messages.
        wrap: does it.
        asked: what it declares; None for what is not of authmw.
        is_partial: whether it is one.
    """

    name: str
    wrap: Callable[[Any], Any]
    asked: Needs | None = None
    is_partial: bool = False

    def __repr__(self) -> str:
        return self.name


def foreign(**options: Any) -> Callable[[Any], Any]:
    """A decorator of somebody else."""

    def decorate(function: Any) -> Any:
        @wraps(function, **options)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        @wraps(function, **options)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)

        return async_wrapper if is_async(function) else wrapper

    return decorate


def is_async(function: Any) -> bool:
    """Whether what it was made from is."""
    while not hasattr(function, "__code__"):
        function = function.func
    return bool(function.__code__.co_flags & 0x80)


LAYERS: Final = (
    Layer("a", requires_scopes("a"), Needs(scopes=frozenset("a"))),
    Layer("b", requires_scopes("b"), Needs(scopes=frozenset("b"))),
    Layer("b or c", requires_scopes(any_of("b", "c")), Needs(groups=frozenset({frozenset("bc")}))),
    Layer("alice", requires(is_alice), Needs(alice=True)),
    Layer("authenticated", authenticated, Needs()),
    Layer("public", public, Needs(open=True)),
    Layer("optional", optionally_authenticated, Needs(open=True, optional=True)),
    Layer("foreign", foreign()),
    Layer("foreign without attributes", foreign(updated=())),
    Layer("partial", partial, is_partial=True),
)
NAMED: Final = {layer.name: layer for layer in LAYERS}


@dataclass(frozen=True)
class Wrapping:
    """The bare function, which is 0, and its wrappers in the order in which they are made.

    Args:
        made: of each wrapper the number of what it wraps, and how.
    """

    made: tuple[tuple[int, Layer], ...]

    def layer(self, number: int) -> Layer | None:
        """How it was made; None for the bare function."""
        return self.made[number - 1][1] if number else None

    def path(self, number: int) -> Iterator[int]:
        """It, and all that is below it."""
        while number:
            yield number
            number = self.made[number - 1][0]
        yield 0

    def declares(self, number: int) -> Needs | None:
        """What it declares: a wrapper of authmw what it says, and what was declared below; others the latter."""
        layer = self.layer(number)
        if layer is None:
            return None
        below = self.declares(self.made[number - 1][0])
        return closed(below) if layer.is_partial else both(layer.asked, below)

    def needs(self, number: int) -> Needs | None:
        """What an endpoint needs that registered it: that, and what was declared above it."""
        reached: list[int] = []
        for each in self.path(number):
            reached.append(each)
            layer = self.layer(each)
            if layer is not None and layer.asked is not None:
                break
        below = set(self.path(number))
        above: Needs | None = None
        for other, (wrapped, layer) in enumerate(self.made, 1):
            if layer.asked is not None and layer.asked.open and wrapped != number:
                continue  # it opens nothing but the very thing it was put on
            if layer.asked is not None and other not in below and not set(reached).isdisjoint(self.path(other)):
                above = both(above, layer.asked)
        if any((layer := self.layer(each)) is not None and layer.is_partial for each in reached):
            above = closed(above)
        return both(self.declares(number), above)

    def is_misplaced(self, number: int) -> bool:
        """Whether calling it asks for less than what is needed."""
        needs, declares = self.needs(number), self.declares(number)
        return needs is not None and not needs.open and both(declares, needs) != declares

    def contradicts(self, number: int, layer: Layer) -> bool:
        """Whether that cannot be wrapped so: a hole in what needs something, or the other way round."""
        declared = self.declares(number)
        return layer.asked is not None and declared is not None and layer.asked.open is not declared.open


@st.composite
def wrappings(draw: st.DrawFn) -> Wrapping:
    """Any, but for those that contradict themselves."""
    found = Wrapping(())
    for _ in range(draw(st.integers(1, 7))):
        number = draw(st.integers(0, len(found.made)))
        layer = draw(st.sampled_from([each for each in LAYERS if not found.contradicts(number, each)]))
        found = Wrapping((*found.made, (number, layer)))
    return found
