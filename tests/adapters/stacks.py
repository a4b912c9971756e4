"""Decorator stacks: ours, those of other packages in every style, and the one that registers, in any order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from inspect import unwrap
from typing import Any, Final

from hypothesis import strategies as st

from authmw import authenticated, requires, requires_scopes

Function = Callable[..., Any]


@dataclass(frozen=True)
class Kind:
    """How a framework calls an endpoint: with a request or without, and whether it awaits."""

    takes_request: bool
    is_async: bool

    def calling(self, call: Function) -> Function:
        """A new function without any attributes, which calls what `call` returns at each request."""
        if self.is_async and self.takes_request:

            async def takes_and_awaits(request: Any) -> Any:
                return await call()(request)

            return takes_and_awaits
        if self.is_async:

            async def awaits() -> Any:
                return await call()()

            return awaits
        if self.takes_request:

            def takes(request: Any) -> Any:
                return call()(request)

            return takes

        def plain() -> Any:
            return call()()

        return plain


# Decorators of other packages. Each gets the kind of the endpoint, and the function.


def with_wraps(kind: Kind, function: Function) -> Function:
    if kind.is_async:

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def without_wraps(kind: Kind, function: Function) -> Function:
    """Four ways to write the same parameters, each with the function in its closure."""
    if kind.is_async and kind.takes_request:

        async def takes_and_awaits(request: Any) -> Any:
            return await function(request)

        return takes_and_awaits
    if kind.is_async:

        async def awaits() -> Any:
            return await function()

        return awaits
    if kind.takes_request:

        def takes(request: Any) -> Any:
            return function(request)

        return takes

    def plain() -> Any:
        return function()

    return plain


def on_error() -> None:
    """A function that stands in a closure too."""


def with_two_functions(kind: Kind, function: Function, handler: Function = on_error) -> Function:
    def called(failed: bool = False) -> Function:
        return handler if failed else function

    return kind.calling(called)


def with_a_collection(kind: Kind, function: Function) -> Function:
    steps = [function]
    return kind.calling(lambda: steps[0])


def with_a_default(kind: Kind, function: Function) -> Function:
    def called(function: Function = function) -> Function:
        return function

    return kind.calling(called)


def with_wraps_of_another(kind: Kind, function: Function) -> Function:
    # Older releases of FastAPI check the answer against the annotation of what is wrapped.
    def signature_of_request(request: Any) -> Any:
        return None

    def signature_without() -> Any:
        return None

    made: Any = without_wraps(kind, function)
    signature: Any = signature_of_request if kind.takes_request else signature_without
    return functools.update_wrapper(made, signature)


def around_all_wrappers(kind: Kind, function: Function) -> Function:
    """It calls the innermost function, and so goes around each wrapper below."""
    innermost = unwrap(function)
    if getattr(innermost, "__name__", "").startswith("signature"):
        return function  # it would call nothing
    if kind.is_async:

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return await innermost(*args, **kwargs)

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return innermost(*args, **kwargs)

    return wrapper


class Timer:
    """A decorator that is a class; what frameworks are given is a method of it."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def run(self) -> Any:
        return self.function()

    async def run_async(self) -> Any:
        return await self.function()

    def run_with(self, request: Any) -> Any:
        return self.function(request)

    async def run_async_with(self, request: Any) -> Any:
        return await self.function(request)


def as_method(kind: Kind, function: Function) -> Function:
    timer = Timer(function)
    if kind.takes_request:
        return timer.run_async_with if kind.is_async else timer.run_with
    return timer.run_async if kind.is_async else timer.run


class Slotted(Timer):
    __slots__ = ("function",)


class OfRequest:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.__name__ = "of_request"

    def __call__(self, request: Any) -> Any:
        return self.function(request)


class OfNothing:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.__name__ = "of_nothing"

    def __call__(self) -> Any:
        return self.function()


def as_instance(kind: Kind, function: Function) -> Function:
    """In a function, since Starlette takes any other callable for an application."""
    return without_wraps(kind, OfRequest(function) if kind.takes_request else OfNothing(function))


def as_partial(kind: Kind, function: Function) -> Function:
    return functools.partial(function)


def _call(function: Function, *args: Any) -> Any:
    return function(*args)


async def _call_async(function: Function, *args: Any) -> Any:
    return await function(*args)


def as_argument_of_a_partial(kind: Kind, function: Function) -> Function:
    return without_wraps(kind, functools.partial(_call_async if kind.is_async else _call, function))


class Proxy:
    """Passes everything on, as the proxies of wrapt do."""

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        wrapped: Any = object.__getattribute__(self, "__wrapped__")
        return wrapped.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "__wrapped__"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "__wrapped__"), name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        wrapped: Any = object.__getattribute__(self, "__wrapped__")
        return wrapped(*args, **kwargs)


def as_proxy(kind: Kind, function: Function) -> Function:
    return Proxy(function)


def cached(kind: Kind, function: Function) -> Function:
    return function if kind.is_async else functools.cache(function)


def single_dispatch(kind: Kind, function: Function) -> Function:
    return functools.singledispatch(function) if kind.takes_request and not kind.is_async else function


FOREIGN: Final = (
    with_wraps,
    without_wraps,
    with_two_functions,
    with_a_collection,
    with_a_default,
    with_wraps_of_another,
    around_all_wrappers,
    as_method,
    as_instance,
    as_partial,
    as_argument_of_a_partial,
    as_proxy,
    cached,
    single_dispatch,
)
OURS: Final[dict[str, Any]] = {
    "a": requires_scopes("a"),
    "b": requires_scopes("b"),
    "": authenticated,
    "c": requires(lambda principal, request: "c" in principal.scopes),
}


@dataclass(frozen=True)
class Stack:
    """Decorators from the function outwards; `at` of them stand below the one that registers."""

    layers: tuple[Any, ...]
    at: int

    def apply(self, kind: Kind, function: Function, register: Callable[[Function], object]) -> None:
        """Decorate `function`, and register what the framework is given."""
        for number, layer in enumerate((*self.layers, None)):
            if number == self.at:
                register(function)
            if layer is not None:
                function = OURS[layer](function) if isinstance(layer, str) else layer(kind, function)

    @property
    def needs(self) -> frozenset[str]:
        """The scopes that the stack says are needed."""
        return frozenset(each for each in self.layers if isinstance(each, str) and each)

    @property
    def is_declared(self) -> bool:
        """Whether something of ours stands in it."""
        return any(isinstance(each, str) for each in self.layers)

    def __repr__(self) -> str:
        names = [each if isinstance(each, str) else each.__name__ for each in self.layers]
        return " > ".join([*names[: self.at], "REGISTERED", *names[self.at :]])


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Any stack in which something is declared."""
    layers = draw(st.lists(st.sampled_from([*OURS, *FOREIGN]), min_size=0, max_size=4))
    layers.insert(draw(st.integers(0, len(layers))), draw(st.sampled_from(list(OURS))))
    return Stack(tuple(layers), draw(st.integers(0, len(layers))))
