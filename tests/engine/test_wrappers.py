"""A declaration belongs to the wrapper that the decorator returned; the function below keeps a record of it."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
import signal
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from authmw import (
    AccessRefused,
    Auth,
    ConfigurationError,
    HTTPBearer,
    Principal,
    Requirement,
    acting_as,
    any_of,
    authenticated,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.declarations import declared_by, enforced_by, is_enforcing, is_unenforced, needed_by, requirement_of
from authmw.engine.markers import too_many_declarations
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, PUBLIC
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

READ, WRITE = Requirement.all_of("read"), Requirement.all_of("write")
READER = Principal("reader", scopes={"read"})

needs_read, needs_write = requires_scopes("read"), requires_scopes("write")


def view() -> str:
    return "seen"


def fresh() -> Callable[[], str]:
    """A function that nothing else wraps."""
    return lambda: view()  # noqa: PLW0108 - as said


def foreign(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> str:
        return function(*args)

    return wrapper


def scopes_of(target: object) -> set[str]:
    return set(requirement_of(target).all_scopes)


def test_one_function_wrapped_twice_is_two_things() -> None:
    bare = fresh()
    reading, writing = needs_read(bare), needs_write(bare)
    assert (needed_by(reading), needed_by(writing)) == (READ, WRITE)
    assert needed_by(bare) == READ & WRITE
    with acting_as(READER):
        assert reading() == "seen"
        with pytest.raises(AccessRefused):
            writing()
        assert bare() == "seen"


def test_the_bare_function_declares_nothing_itself_and_asks_for_nothing() -> None:
    bare = fresh()
    needs_write(bare)
    assert (declared_by(bare), enforced_by(bare)) == (None, None)
    assert is_unenforced(bare)
    assert not is_enforcing(bare)


def test_authenticated_says_explicitly_that_no_more_is_needed() -> None:
    bare = fresh()
    needs_write(bare)
    assert needed_by(authenticated(bare)) == AUTHENTICATED
    assert needed_by(bare) == WRITE


def test_what_stands_above_a_wrapper_counts_for_an_endpoint_that_registered_that_wrapper() -> None:
    inner = needs_read(fresh())
    outer = foreign(needs_write(requires_scopes("more")(inner)))
    assert scopes_of(inner) == scopes_of(outer) == {"read", "write", "more"}
    assert is_unenforced(inner)
    assert not is_unenforced(outer)
    assert declared_by(inner) == READ


def test_what_is_declared_on_both_sides_is_no_mistake_if_the_inner_side_asks_for_it() -> None:
    inner = needs_read(fresh())
    authenticated(needs_read(inner))
    assert not is_unenforced(inner)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_wrappers_over_another_decorator_do_not_know_of_each_other(depth: int) -> None:
    shared = fresh()
    for _ in range(depth):
        shared = foreign(shared)
    reading, writing = foreign(needs_read(shared)), foreign(needs_write(shared))
    assert (needed_by(reading), needed_by(writing)) == (READ, WRITE)
    assert needed_by(foreign(shared)) == READ & WRITE


def test_a_copy_of_attributes_by_another_decorator_is_the_declaration_of_what_it_wraps() -> None:
    bare = fresh()
    before = foreign(bare)  # made before anything was declared
    reading = foreign(needs_read(bare))
    between = foreign(bare)  # which copies the record of that moment
    writing = foreign(needs_write(bare))
    assert (needed_by(reading), needed_by(writing)) == (READ, WRITE)
    assert needed_by(before) == needed_by(between) == READ & WRITE
    assert [is_enforcing(each) for each in (reading, writing, before, between)] == [True, True, False, False]
    assert needed_by(authenticated(between)) == AUTHENTICATED


def test_another_decorator_that_says_only_what_it_wraps_is_followed() -> None:
    @functools.wraps(reading := needs_read(fresh()), updated=())
    def wrapper() -> str:
        return reading()

    assert "__authmw_requirement__" not in vars(wrapper)
    assert needed_by(wrapper) == READ
    assert is_enforcing(wrapper)


def test_another_decorator_that_does_not_call_still_declares_what_it_stands_for() -> None:
    @functools.wraps(needs_read(fresh()))
    def cached() -> str:
        return "from a cache"

    assert needed_by(cached) == READ


# @public on one of several


@pytest.mark.parametrize("opened, requirement", [(public, PUBLIC), (optionally_authenticated, OPTIONAL)])
def test_a_hole_opens_one_wrapper_and_no_other(opened: Any, requirement: Requirement) -> None:
    for first in (opened, needs_write):
        bare = fresh()
        first(bare)
        hole, writing = opened(bare), needs_write(bare)
        assert (needed_by(hole), needed_by(writing), needed_by(bare)) == (requirement, WRITE, WRITE)
        assert hole() == "seen"
        assert not is_unenforced(hole)


def test_a_function_is_open_if_all_that_was_declared_of_it_are_holes() -> None:
    bare = fresh()
    public(bare)
    assert needed_by(bare) == PUBLIC
    optionally_authenticated(bare)
    assert needed_by(bare) == OPTIONAL
    authenticated(bare)
    assert needed_by(bare) == AUTHENTICATED


def test_what_is_opened_is_a_function_of_the_same_kind() -> None:
    async def coroutine(*, number: int = 1) -> int:
        return number

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    assert inspect.iscoroutinefunction(public(coroutine))
    assert inspect.isgeneratorfunction(public(generator))
    assert inspect.isasyncgenfunction(public(async_generator))
    assert asyncio.run(public(coroutine)()) == 1
    assert str(inspect.signature(public(coroutine))) == "(*, number: 'int' = 1) -> 'int'"
    assert public(coroutine).__qualname__ == coroutine.__qualname__


def test_what_is_opened_in_a_class_is_still_its_method() -> None:
    class Base:
        def hello(self) -> str:
            return "hello"

    class View(Base):
        @public
        def hello(self) -> str:
            return super().hello() + "!"

    assert View().hello() == "hello!"
    assert needed_by(View().hello) == PUBLIC


def test_a_hole_is_not_inherited_by_a_partial_and_a_need_is() -> None:
    hole = public(fresh())
    assert needed_by(functools.partial(hole)) is None
    assert needed_by(functools.partial(needs_read(fresh()))) == READ
    bare = fresh()
    public(bare)
    assert needed_by(functools.partial(bare)) is None
    needs_write(bare)
    assert needed_by(functools.partial(bare)) == WRITE


# Kinds


def test_a_partial_is_wrapped_as_a_function_and_by_itself() -> None:
    async def add(one: int, other: int) -> int:
        return one + other

    once = functools.partial(add, 1)
    reading, writing, hole = needs_read(once), needs_write(once), public(once)
    assert (needed_by(reading), needed_by(writing), needed_by(hole)) == (READ, WRITE, PUBLIC)
    assert needed_by(once) == needed_by(add) == READ & WRITE
    assert inspect.iscoroutinefunction(reading)
    assert str(inspect.signature(reading)) == "(other: 'int') -> 'int'"
    with acting_as(READER):
        assert asyncio.run(reading(2)) == 3
        assert asyncio.run(hole(2)) == 3


def test_a_method_is_wrapped_for_each_use_of_it() -> None:
    class Orders:
        def list(self) -> str:
            return "orders"

        @needs_read
        def read(self) -> str:
            return "order"

    reading = needs_read(Orders.list)
    assert needed_by(Orders().list) == READ
    assert needed_by(Orders().read) == READ
    assert not is_unenforced(Orders().read)
    assert is_unenforced(Orders().list)
    with acting_as(READER):
        assert reading(Orders()) == "orders"
    with pytest.raises(ConfigurationError, match="decorate the function it was made from"):
        needs_read(Orders().list)


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> str:
        return "served"


def test_a_callable_object_is_wrapped_twice_too() -> None:
    app = Application()
    reading, writing = needs_read(app), needs_write(app)
    assert (needed_by(reading), needed_by(writing), needed_by(app)) == (READ, WRITE, READ & WRITE)
    with pytest.raises(AccessRefused), acting_as(READER):
        asyncio.run(writing({"type": "http"}, None, None))


def test_stacked_guards_ask_once() -> None:
    asked: list[str] = []

    def predicate(principal: Principal, request: object) -> bool:
        asked.append(principal.id)
        return True

    stacked = authenticated(needs_read(requires(predicate)(fresh())))
    with acting_as(READER):
        assert stacked() == "seen"
    assert asked == ["reader"]


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
def test_an_application_given_without_its_guard_is_refused(middleware: Any) -> None:
    auth = Auth(HTTPBearer())
    app = Application()
    reading = needs_read(app)
    with pytest.raises(ConfigurationError, match="AuthMiddleware got Application without its decorator: give it"):
        middleware(app, auth)
    for each in (reading, authenticated(app), public(Application()), Application()):
        middleware(each, auth)


# What is kept


def test_wrappers_are_not_kept_by_what_they_wrap() -> None:
    bare = fresh()
    kept = [weakref.ref(decorate(bare)) for decorate in (needs_read, authenticated, needs_write)]
    gc.collect()
    assert [each() for each in kept] == [None, None, None]
    assert needed_by(bare) == READ & WRITE


def test_the_same_declaration_again_and_again_is_kept_once() -> None:
    bare = fresh()
    for _ in range(1000):
        requires_scopes("read", any_of("a", "b"))(bare)
    assert needed_by(bare) == Requirement.all_of("read", any_of("a", "b"))


def _a_scope(number: int) -> Any:
    return requires_scopes(f"orders:{number}")


def _a_group(number: int) -> Any:
    return requires_scopes(any_of("read", f"orders:{number}"))


def _a_predicate(number: int) -> Any:
    return requires(lambda principal, request: number > 0)


@pytest.mark.parametrize("declared", [_a_scope, _a_group, _a_predicate])
def test_more_than_is_kept_closes_the_bare_function_and_nothing_else(declared: Callable[[int], Any]) -> None:
    bare = wrapper = fresh()
    most = 0
    for number in range(1000):
        wrapper = declared(number)(bare)
        needed = requirement_of(bare)
        most = max(most, len(needed.scopes) + len(needed.alternatives) + len(needed.predicates))
    assert most <= 101
    assert too_many_declarations in requirement_of(bare).predicates
    assert too_many_declarations not in requirement_of(wrapper).predicates


def test_threads_that_wrap_one_function_at_once_lose_nothing() -> None:
    bare, together = fresh(), threading.Barrier(8)

    def declare(number: int) -> None:
        together.wait()
        for each in range(10):
            requires_scopes(f"s{number}.{each}")(bare)

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scopes_of(bare) == {f"s{number}.{each}" for number in range(8) for each in range(10)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_that_was_forked_while_a_record_was_written_can_write_its_own() -> None:
    from authmw.engine.markers import _records  # pyright: ignore[reportPrivateUsage]

    with _records._lock:  # pyright: ignore[reportPrivateUsage]
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            needs_read(fresh())
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_wraps_itself_is_refused() -> None:
    bare: Any = fresh()
    bare.__wrapped__ = bare
    with pytest.raises(ConfigurationError, match="wrapped 1000 times"):
        needs_read(bare)
