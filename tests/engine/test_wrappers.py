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
from types import FunctionType
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
from authmw.engine.declarations import (
    declared_by,
    enforced_by,
    is_enforcing,
    is_unenforced,
    lost_in,
    needed_by,
    requirement_of,
)
from authmw.engine.markers import is_proxy, mark
from authmw.engine.reached import is_cache, reached_from
from authmw.engine.records import too_many_declarations
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, PUBLIC
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.requests import wsgi_request

READ, WRITE = Requirement.all_of("read"), Requirement.all_of("write")
READER = Principal("reader", scopes={"read"})

needs_read, needs_write = requires_scopes("read"), requires_scopes("write")
cached: Any = functools.cache


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


def composed(*decorators: Any) -> Callable[[Any], Any]:
    """A decorator of several, the outermost first."""

    def decorate(function: Any) -> Any:
        for each in reversed(decorators):
            function = each(function)
        return function

    return decorate


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


def test_a_hole_is_not_inherited_through_what_a_partial_wraps() -> None:
    class Orders:
        @public
        def show(self) -> str:
            return "shown"

    for inside in (foreign(public(fresh())), Orders().show, functools.partial(public(fresh()))):
        assert needed_by(functools.partial(inside)) is None
        assert needed_by(foreign(functools.partial(inside))) is None


# Kinds


def test_a_partial_is_wrapped_as_a_function_and_by_itself() -> None:
    async def add(one: int, other: int) -> int:
        return one + other

    once: Any = functools.partial(add, 1)
    once.topic = "sums"
    reading, writing, hole = needs_read(once), needs_write(once), public(once)
    assert vars(hole)["topic"] == "sums"
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


class WSGIApplication:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return [b"served"]


@pytest.mark.parametrize("middleware, kind", [(WSGIMiddleware, WSGIApplication), (ASGIMiddleware, Application)])
def test_an_application_given_without_its_guard_is_refused(middleware: Any, kind: Any) -> None:
    auth = Auth(HTTPBearer())
    app = kind()
    reading = needs_read(app)
    with pytest.raises(ConfigurationError, match=r"AuthMiddleware got \w*Application without its decorator: give it"):
        middleware(app, auth)
    for each in (reading, authenticated(app), public(kind()), kind()):
        middleware(each, auth)


@pytest.mark.parametrize(
    "middleware, other, line",
    [
        (WSGIMiddleware, Application(), "write from authmw.asgi import AuthMiddleware"),
        (ASGIMiddleware, WSGIApplication(), "write from authmw.wsgi import AuthMiddleware"),
        (ASGIMiddleware, WSGIApplication().__call__, "write from authmw.wsgi import AuthMiddleware"),
    ],
)
def test_an_application_of_the_other_interface_is_refused(middleware: Any, other: Any, line: str) -> None:
    with pytest.raises(ConfigurationError, match=line):
        middleware(other, Auth(HTTPBearer()))


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
def test_a_rule_that_nothing_would_enforce_cannot_be_given(middleware: Any) -> None:
    with pytest.raises(TypeError, match="requirement_of"):
        middleware(Application(), Auth(HTTPBearer()), requirement_of=WRITE)


# What is not linked by functools.wraps


def _timed(function: Callable[[], str]) -> Callable[[], str]:
    def inner() -> str:
        return function()

    return inner


def _by_helpers(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def one() -> str:
        return function()

    def two() -> str:
        return one()

    return lambda: two()  # noqa: PLW0108 - a helper that calls a helper


class _Registry:
    """A decorator that is a method, and keeps the function in its object."""

    def __init__(self) -> None:
        self.function: Any = None

    def timed(self, function: Callable[[], str]) -> Callable[[], str]:
        self.function = function

        def inner() -> str:
            return str(self.function())

        return inner


def _timed_by_registry(function: Any) -> Any:
    return _Registry().timed(function)


class _Once:
    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], str]) -> None:
        self._function = function

    def __call__(self) -> str:
        return self._function()


class _Steps:
    """It keeps the function in a collection."""

    def __init__(self, function: Callable[[], str]) -> None:
        self.steps = [function]

    def __call__(self) -> str:
        return self.steps[0]()


def _counted(function: Any) -> Any:
    def note() -> None: ...

    class Counted:
        calls = 0

        def __call__(self) -> str:
            note()
            self.calls += 1
            return str(function())

    return Counted()


def _kept(function: Any) -> Any:
    def wrapper() -> str:
        return str(vars(wrapper)["inner"]())

    vars(wrapper)["inner"] = function
    return wrapper


@pytest.mark.parametrize(
    "style", [_timed, _by_helpers, _timed_by_registry, composed(_timed, _Once), _Steps, _counted, _kept]
)
def test_a_wrapper_without_any_trace_is_looked_through(style: Callable[[Any], Any]) -> None:
    bare = fresh()
    needs_write(style(bare))
    assert needed_by(bare) == WRITE
    inner = needs_read(fresh())
    needs_write(style(style(inner)))
    assert scopes_of(inner) == {"read", "write"}
    assert is_unenforced(inner)


def test_a_function_that_calls_its_neighbours_is_no_decorator_of_them() -> None:
    def create() -> tuple[Any, ...]:
        application = Application()

        @authenticated
        def first() -> str:
            return "first"

        @_timed
        def second() -> str:
            return "second"

        def third() -> str:
            return "third"

        @functools.cache
        def fourth() -> str:
            return "fourth"

        @needs_write
        def all_of_them() -> str:
            return f"{first()} {second()} {third()} {fourth()} {application} {all_of_them}"

        return application, first, second, third, fourth, all_of_them

    application, first, second, third, fourth, all_of_them = create()
    assert needed_by(first) == AUTHENTICATED
    assert {needed_by(each) for each in (application, second, third, fourth)} == {None}
    assert needed_by(all_of_them) == WRITE


class _Site:
    def __init__(self) -> None:
        self.views = [fresh()]
        self.fallback = fresh()

    def __call__(self, environ: Any, start_response: Any) -> str:
        return "served"


class _WithRules(_Site):
    """Called in a way of its own, but views are registered in it as in Flask."""

    def __call__(self, *args: Any) -> str:
        return "served"

    def add_url_rule(self, rule: str) -> None: ...


class _WithRoutes(_Site):
    """The same as in Starlette and Falcon."""

    def __call__(self, *args: Any) -> str:
        return "served"

    def add_route(self, path: str) -> None: ...


@pytest.mark.parametrize("kind", [_Site, _WithRules, _WithRoutes])
def test_an_application_in_a_closure_is_not_what_is_decorated(kind: type[_Site]) -> None:
    site = kind()

    def describe(site: _Site) -> Callable[[], str]:
        return lambda: str(site)

    needs_write(describe(site))
    assert needed_by(site) is needed_by(site.fallback) is needed_by(site.views[0]) is None


def test_a_wrapper_that_holds_too_many_functions_is_refused() -> None:
    def dispatcher(steps: list[Any]) -> Callable[[], str]:
        return lambda: str(steps)

    most = [fresh() for _ in range(999)]  # with the dispatcher itself a thousand
    needs_write(dispatcher(most))
    assert {needed_by(each) for each in most} == {WRITE}
    with pytest.raises(ConfigurationError, match="holds too many functions: decorate each function itself"):
        needs_write(dispatcher([*most, fresh()]))


def test_a_cell_that_is_empty_yet_and_a_function_that_calls_itself_are_no_trouble() -> None:
    def recursive(depth: int = 0) -> str:
        return recursive(depth + 1) if depth < 2 else later()

    needs_write(recursive)
    assert needed_by(recursive) == WRITE

    def later() -> str:
        return "later"

    assert needed_by(later) is None


def test_a_function_that_calls_itself_may_be_used_under_another_name() -> None:
    def count(number: int) -> str:
        return count(number - 1) if number else "none"

    other_name = count

    def last() -> str:
        return other_name(1)

    assert needed_by(needs_read(last)) == needed_by(count) == READ


def test_a_callable_object_is_reached_that_holds_a_function_among_other_things() -> None:
    class Counting:
        def __init__(self, function: Callable[[], str]) -> None:
            self.calls, self.function, self.name = 0, function, "orders"

        def __call__(self) -> str:
            self.calls += 1
            return self.function()

    inner = fresh()
    counting = Counting(inner)

    def shown() -> str:
        return counting()

    assert needed_by(needs_read(shown)) == needed_by(inner) == READ


def test_a_callable_object_that_holds_no_function_hides_no_cache() -> None:
    class Count:
        def __call__(self) -> None: ...

    count, kept = Count(), functools.cache(needs_read(fresh()))

    @functools.wraps(kept)
    def shown() -> str:
        count()
        return "shown"

    assert lost_in(shown) == READ


def test_what_a_method_calls_is_looked_at_also_where_its_object_holds_a_function() -> None:
    kept = functools.cache(needs_read(fresh()))

    class Orders:
        def __init__(self) -> None:
            self.helper = fresh()

        def list(self) -> str:
            return kept()

    assert lost_in(Orders().list) == READ


def test_a_class_that_a_function_uses_declares_nothing_for_it() -> None:
    class Orders:
        __wrapped__ = functools.cache(needs_read(fresh()))

    def shown() -> str:
        return str(Orders())

    assert lost_in(shown) is None
    assert needed_by(shown) is None


def test_a_method_of_one_object_needs_nothing_because_another_one_was_wrapped() -> None:
    class Orders:
        def list(self) -> str:
            return "orders"

    class Invoices(Orders): ...

    mine, other, invoices = Orders(), Orders(), Invoices()
    wrapper = needs_write(mine.list)
    assert (needed_by(wrapper), needed_by(mine.list)) == (WRITE, WRITE)
    assert needed_by(other.list) is needed_by(invoices.list) is needed_by(Orders.list) is None
    assert str(inspect.signature(wrapper)) == "() -> 'str'"
    with acting_as(Principal("writer", scopes={"write"})):
        assert wrapper() == "orders"
    with acting_as(READER), pytest.raises(AccessRefused):
        wrapper()


def test_what_wraps_a_bound_method_at_each_call_declares_nothing_for_other_classes() -> None:
    """As ``method_decorator`` of Django does it, with a method that several classes inherit."""

    class Base:
        def get(self) -> str:
            return "content"

    def at_each_call(decorate: Callable[[Any], Any]) -> Any:
        method: Any = vars(Base)["get"]
        partial: Any = functools.partial

        def called(self: Any) -> Any:
            bound: Any = functools.wraps(method)(partial(method.__get__(self, self.__class__)))
            return decorate(bound)()

        return called

    class Guarded(Base):
        get = at_each_call(requires_scopes("write"))

    with acting_as(Principal("alice", scopes={"write"})):
        assert Guarded().get() == "content"
    assert needed_by(Base.get) is None
    with acting_as(Principal("bob")), pytest.raises(AccessRefused):
        Guarded().get()


def test_a_class_method_is_wrapped_for_its_class_alone() -> None:
    class Orders:
        @classmethod
        def list(cls) -> str:
            return cls.__name__

    class Invoices(Orders): ...

    wrapper = needs_write(Orders.list)
    assert needed_by(Orders.list) == WRITE
    assert needed_by(Invoices.list) is None
    with acting_as(READER), pytest.raises(AccessRefused):
        wrapper()


def test_a_method_of_an_object_without_a_dict_cannot_be_wrapped() -> None:
    class Orders:
        __slots__ = ()

        def list(self) -> str:
            return "orders"

    with pytest.raises(ConfigurationError, match="decorate the function it was made from"):
        needs_write(Orders().list)


@pytest.mark.parametrize("opened", [public, optionally_authenticated])
def test_a_bound_method_is_opened_by_a_wrapper_of_its_own(opened: Any) -> None:
    class Orders:
        def list(self) -> str:
            return "orders"

    orders = Orders()
    hole = opened(orders.list)
    requirement = needed_by(hole)
    assert requirement is not None
    assert requirement.is_open
    assert needed_by(orders.list) is None
    assert hole() == "orders"


# What is called


def _around(function: Any) -> Any:
    innermost = inspect.unwrap(function)

    @functools.wraps(function)
    def wrapper() -> str:
        return str(innermost())

    return wrapper


def _cache_with(name: str) -> Callable[[Any], Any]:
    """A cache as other packages write them, with an attribute of that name."""

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def remembered() -> str:
            return "from the memory"

        setattr(remembered, name, lambda: None)
        return remembered

    return decorate


def _cache_of(module: str) -> Callable[[Any], Any]:
    """A cache as the package of `module` writes them, without such an attribute."""

    def decorate(function: Any) -> Any:
        remembered = FunctionType((lambda: "from the memory").__code__, {"__name__": module})
        return functools.wraps(function)(remembered)

    return decorate


@pytest.mark.parametrize(
    "style",
    [
        cached,
        functools.lru_cache(maxsize=1),
        *map(
            _cache_with, ("cache", "cache_clear", "cache_info", "cache_key", "__cache_key__", "invalidate", "uncached")
        ),
        *map(_cache_of, ("asyncache", "cashews.wrapper", "fastapi_cache.decorator", "fastapi_redis_cache")),
        _around,
        composed(foreign, cached),
        composed(_timed, cached, _timed),
        composed(_timed, _around),
        composed(functools.partial, cached),
    ],
)
def test_what_answers_without_a_call_of_the_wrapper_does_not_enforce_it(style: Callable[[Any], Any]) -> None:
    outer = style(needs_write(fresh()))
    assert is_unenforced(outer)
    assert not is_enforcing(outer)
    around = enforced_by(needs_read(outer))
    assert around is not None
    assert set(around.scopes) == {"read", "write"}


@pytest.mark.parametrize(
    "style",
    [foreign, composed(functools.partial), _timed, composed(foreign, needs_read, cached)],
)
def test_what_calls_the_wrapper_enforces_it(style: Callable[[Any], Any]) -> None:
    outer = style(needs_write(fresh()))
    assert not is_unenforced(outer)
    with acting_as(READER), pytest.raises(AccessRefused):
        outer()


def test_a_function_in_a_collection_is_found_beside_other_functions() -> None:
    def log() -> None: ...

    def hooked(function: Any) -> Any:
        chain = {"all": function}

        def wrapper() -> Any:
            log()
            return [each() for each in chain.values()]

        return wrapper

    function = fresh()
    needs_read(hooked(function))
    assert needed_by(function) == READ


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
    assert too_many_declarations(READER, wsgi_request()) is False


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
    from authmw.engine.records import _records  # pyright: ignore[reportPrivateUsage]

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


def test_an_object_that_can_have_no_attributes_is_told_to_be_decorated_elsewhere() -> None:
    for target in (object(), len, 7):
        with pytest.raises(ConfigurationError, match="cannot have attributes: decorate the function it was made from"):
            mark(target, PUBLIC)


def test_a_proxy_that_stands_for_nothing_just_now_is_one() -> None:
    class Proxy:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("outside of a request")

        @__class__.setter
        def __class__(self, value: Any) -> None: ...

    assert is_proxy(Proxy())
    assert not is_proxy(fresh())


class _Slots:
    """A decorator in a class with slots, of which one is never assigned."""

    __slots__ = ("_function", "_never")

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self) -> Any:
        return self._function()


class _OneSlot:
    __slots__ = "_function"  # noqa: PLC0205 - Python allows it

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self) -> Any:
        return self._function()


@pytest.mark.parametrize("decorator", [_Slots, _OneSlot])
def test_what_an_object_with_slots_holds_is_reached(decorator: Any) -> None:
    view = needs_write(fresh())
    assert any(each is view for each in reached_from(decorator(view)))
    assert is_unenforced(decorator(functools.cache(view)))
    assert not is_unenforced(decorator(view))


def test_a_cache_is_what_wraps_something_and_has_attributes_of_a_cache_of_its_own() -> None:
    remembering = functools.cache(fresh())
    assert is_cache(remembering)
    assert not is_cache(foreign(remembering)), "functools.wraps copies nothing of a cache in C"
    own: Any = foreign(fresh())
    assert not is_cache(own)
    own.invalidate = print
    assert is_cache(own)
    assert not is_cache(foreign(own)), "its attribute is that of the one inside"
    alone: Any = fresh()
    alone.cache = {}
    assert not is_cache(alone), "it wraps nothing"


def test_a_neighbour_that_holds_itself_is_looked_at_once() -> None:
    def looping() -> object:
        return [looping, 7]

    other = looping

    def endpoint() -> object:
        return other()

    assert list(reached_from(endpoint)) == [endpoint, looping]


def test_an_object_that_answers_any_attribute_declares_nothing() -> None:
    class Answering:
        def __getattr__(self, name: str) -> str:
            return name

        def __call__(self) -> None: ...

    assert requirement_of(Answering()) == AUTHENTICATED
