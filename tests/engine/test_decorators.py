"""``@requires_scopes`` and its family: on whatever can be called, in whatever order."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from authmw import (
    AccessRefused,
    ConfigurationError,
    Principal,
    Requirement,
    acting_as,
    any_of,
    authenticated,
    current_principal,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.engine.declarations import is_enforcing, requirement_of
from authmw.engine.decorators import declared_by_decorator, own_credentials
from authmw.engine.markers import marked_requirement
from authmw.http.reasons import Reason
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, OWN_CREDENTIALS, PUBLIC, Access

READER = Principal("reader", scopes={"read"})
WRITER = Principal("writer", scopes={"read", "write"})

needs_write = requires_scopes("write")


@needs_write
def function() -> str:
    """A docstring."""
    return "done"


@needs_write
async def async_function() -> str:
    return "done"


@needs_write
def generator() -> Iterator[str]:
    yield "done"


@needs_write
async def async_generator() -> AsyncIterator[str]:
    yield "done"


class Plain:
    """A class with guarded methods."""

    @needs_write
    def method(self) -> str:
        return "done"

    @classmethod
    @needs_write
    def of_class(cls) -> str:
        return "done"

    @staticmethod
    @needs_write
    def static() -> str:
        return "done"

    @needs_write
    @staticmethod
    def guarded_static() -> str:
        return "done"

    @property
    @needs_write
    def computed(self) -> str:
        return "done"


@needs_write
class View:
    """A class-based view, as Flask's."""

    def dispatch_request(self) -> str:
        return "done"


class CallableObject:
    """An application object."""

    def __call__(self) -> str:
        return "done"


guarded_object = needs_write(CallableObject())
guarded_partial: Callable[[], str] = needs_write(functools.partial(str, "done"))


def _drain(things: AsyncIterator[str]) -> str:
    async def main() -> str:
        return "".join([thing async for thing in things])

    return asyncio.run(main())


CALLS: dict[str, Callable[[], Any]] = {
    "function": function,
    "async function": lambda: asyncio.run(async_function()),
    "generator": lambda: "".join(generator()),
    "async generator": lambda: _drain(async_generator()),
    "method": lambda: Plain().method(),
    "classmethod": Plain.of_class,
    "staticmethod": Plain.static,
    "guarded staticmethod": Plain.guarded_static,
    "property": lambda: Plain().computed,
    "class": lambda: View().dispatch_request(),
    "object": guarded_object,
    "partial": guarded_partial,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_whatever_can_be_called_is_guarded(call: Callable[[], Any]) -> None:
    with acting_as(WRITER):
        assert call() == "done"
    with acting_as(READER), pytest.raises(AccessRefused) as refused:
        call()
    assert refused.value.refusal.reason is Reason.SCOPE_MISSING
    with pytest.raises(AccessRefused) as refused:
        call()
    assert refused.value.refusal.reason is Reason.CREDENTIALS_MISSING


def test_a_decorated_function_is_still_what_it_was() -> None:
    assert function.__name__ == "function"
    assert function.__doc__ == "A docstring."
    assert inspect.iscoroutinefunction(async_function)
    assert str(inspect.signature(Plain.method)) == "(self) -> 'str'"


# Stacking and markers


@requires_scopes("a")
@requires(lambda principal, request: principal.id == "alice")
@requires_scopes("b", any_of("c", "d"))
@authenticated
def stacked() -> str:
    return "done"


def test_stacked_decorators_accumulate() -> None:
    assert requirement_of(stacked).all_scopes == ("b", "a", "c", "d")
    with acting_as(Principal("alice", scopes={"a", "b", "d"})):
        assert stacked() == "done"
    for scopes in ({"a", "b"}, {"a", "c"}, {"b", "c"}):
        with acting_as(Principal("alice", scopes=scopes)), pytest.raises(AccessRefused) as refused:
            stacked()
        assert refused.value.refusal.scopes == ("b", "a", "c", "d")
    with acting_as(Principal("bob", scopes={"a", "b", "c"})), pytest.raises(AccessRefused) as refused:
        stacked()
    assert refused.value.refusal.reason is Reason.FORBIDDEN


def test_decorators_with_another_one_in_between_all_hold() -> None:
    def in_between(view: Callable[[], str]) -> Callable[[], str]:
        @functools.wraps(view)
        def wrapper() -> str:
            return view()

        return wrapper

    @requires_scopes("a")
    @in_between
    @requires_scopes("b")
    def view() -> str:
        return "done"

    assert set(requirement_of(view).all_scopes) == {"a", "b"}
    for scopes in ({"a"}, {"b"}, set[str]()):
        with acting_as(Principal("alice", scopes=scopes)), pytest.raises(AccessRefused):
            view()
    with acting_as(Principal("alice", scopes={"a", "b"})):
        assert view() == "done"


def test_a_view_that_was_registered_below_its_decorator_is_found() -> None:
    routes: list[Callable[[], str]] = []

    def route(view: Callable[[], str]) -> Callable[[], str]:
        routes.append(view)
        return view

    @requires_scopes("write")
    @route
    def view() -> str:
        return "open"

    assert is_enforcing(view)
    assert not is_enforcing(routes[0])
    assert requirement_of(routes[0]) == Requirement.all_of("write")


def test_nothing_declared_means_anyone_authenticated() -> None:
    def view() -> None: ...

    assert marked_requirement(view) is None
    assert requirement_of(view) == Requirement()
    assert not is_enforcing(view)


@pytest.mark.parametrize("thing", [None, 1, "text", object(), [], {}], ids=lambda thing: type(thing).__name__)
def test_what_carries_no_marker_asks_for_nothing_special(thing: object) -> None:
    assert marked_requirement(thing) is None


def test_a_marker_that_is_no_requirement_is_not_believed() -> None:
    def view() -> None: ...

    view.__authmw_requirement__ = "public"  # type: ignore[attr-defined]  # somebody else's attribute
    assert requirement_of(view) == Requirement()


# @public


def test_a_public_view_needs_nobody_and_stays_itself() -> None:
    @public
    def view() -> str:
        return "open"

    assert view() == "open"
    assert requirement_of(view).public
    assert not is_enforcing(view)


def _always(*_: object) -> bool:
    return True


@pytest.mark.parametrize("other", [needs_write, authenticated, requires(_always)], ids=["scopes", "auth", "predicate"])
def test_public_and_a_requirement_contradict_each_other_in_either_order(other: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="public"):
        public(other(lambda: None))
    with pytest.raises(ConfigurationError, match="public"):
        other(public(lambda: None))


def test_an_optional_view_needs_nobody_and_knows_who_calls() -> None:
    @optionally_authenticated
    def view() -> str:
        return current_principal().id or "nobody"

    assert view() == "nobody"
    with acting_as(READER):
        assert view() == "reader"
    assert requirement_of(view) == OPTIONAL
    assert not is_enforcing(view)


@pytest.mark.parametrize("other", [needs_write, authenticated, requires(_always)], ids=["scopes", "auth", "predicate"])
def test_optional_and_a_requirement_contradict_each_other_in_either_order(other: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="remove one of the two"):
        optionally_authenticated(other(lambda: None))
    with pytest.raises(ConfigurationError, match="remove one of the two"):
        other(optionally_authenticated(lambda: None))


def test_public_and_optional_are_optional_in_either_order() -> None:
    assert requirement_of(public(optionally_authenticated(lambda: None))) == OPTIONAL
    assert requirement_of(optionally_authenticated(public(lambda: None))) == OPTIONAL


@pytest.mark.parametrize("decorator", [public, optionally_authenticated, authenticated])
def test_a_decorator_that_takes_no_parentheses_says_so(decorator: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"write @{decorator.__name__} without parentheses"):
        decorator()


@pytest.mark.parametrize(
    "decorator, declared",
    [
        (needs_write, Requirement.all_of("write")),
        (authenticated, AUTHENTICATED),
        (public, PUBLIC),
        (optionally_authenticated, OPTIONAL),
        (functools.wraps, None),
    ],
    ids=["scopes", "authenticated", "public", "optional", "another"],
)
def test_an_adapter_is_told_what_a_decorator_declares(decorator: Any, declared: Requirement | None) -> None:
    assert declared_by_decorator(decorator) == declared


def test_an_endpoint_that_authenticates_its_callers_itself_is_marked() -> None:
    def endpoint() -> None: ...

    assert own_credentials(endpoint) is endpoint
    assert marked_requirement(endpoint) is OWN_CREDENTIALS


def test_what_is_asked_for_beside_an_open_requirement_closes_it() -> None:
    for opened in (PUBLIC, OPTIONAL):
        for closed in (opened & Requirement(), Requirement.all_of("read") & opened):
            assert not closed.is_open
            assert closed.access is not Access.OPTIONAL
    assert (PUBLIC & OPTIONAL).is_open
    assert (PUBLIC & OPTIONAL).access is Access.OPTIONAL
    assert not Requirement(Access.PUBLIC, scopes=("read",)).is_open
    assert not Requirement(Access.PUBLIC, predicates=(_always,)).is_open
    assert not Requirement(Access.PUBLIC, alternatives=(any_of("read"),)).is_open


# Classes


def test_a_subclass_of_a_guarded_view_needs_both() -> None:
    @requires_scopes("extra")
    class Sub(View):
        pass

    assert set(requirement_of(Sub).all_scopes) == {"write", "extra"}
    assert requirement_of(View).all_scopes == ("write",)
    with acting_as(WRITER), pytest.raises(AccessRefused):
        Sub().dispatch_request()
    with acting_as(WRITER):
        assert View().dispatch_request() == "done"


def test_a_subclass_that_replaces_the_guarded_method_is_found() -> None:
    class Sub(View):
        def dispatch_request(self) -> str:
            return "open"

    assert is_enforcing(View)
    assert not is_enforcing(Sub)
    assert requirement_of(Sub).all_scopes == ("write",)


@pytest.mark.parametrize(
    "mistake, said",
    [
        (requires_scopes, "needs a scope; for anyone"),
        (lambda: requires_scopes("two words"), "two words"),
        (lambda: requires_scopes(""), "''"),
        (lambda: requires_scopes(lambda: None), "with the scopes in parentheses"),  # type: ignore[arg-type]
        (any_of, "any_of"),
        (lambda: requires("alice"), 'is a scope: write @requires_scopes("alice")'),  # type: ignore[arg-type]
        (lambda: requires(3), "needs a function of a principal and a request"),  # type: ignore[arg-type]
        (lambda: authenticated("alice"), '@authenticated takes no scopes: write @requires_scopes("alice")'),
        (lambda: requires(_async_predicate), "is async"),  # type: ignore[arg-type]
        (lambda: requires(lambda principal: True), "does not take a principal"),  # type: ignore[arg-type, misc]
        (lambda: requires(lambda: True), "does not take a principal"),  # type: ignore[arg-type, misc]
        (lambda: requires(lambda one, two, three: True), "does not take a principal"),  # type: ignore[arg-type, misc]
        (lambda: requires(_Rules().alone), "does not take a principal"),  # type: ignore[arg-type]
        (lambda: needs_write(type("Empty", (), {})), "Empty"),
        (lambda: needs_write(_hidden), "classmethod"),
        (lambda: needs_write(property(_always)), "property"),
        (lambda: needs_write(len), "len"),
    ],
)
def test_a_decorator_that_could_not_hold_is_refused_at_once(mistake: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mistake()
    assert said in str(caught.value)


class _Rules:
    def alone(self, principal: object) -> bool:
        return True

    def both(self, principal: object, request: object) -> bool:
        return True

    def __call__(self, principal: object, request: object) -> bool:
        return True


def _with_a_default(principal: object, request: object, limit: int = 3) -> bool:
    return True


def _of_anything(*anything: object) -> bool:
    return True


def _of_one_and_anything(principal: object, *rest: object) -> bool:
    return True


def _bounded(limit: int, principal: object, request: object) -> bool:
    return True


@pytest.mark.parametrize(
    "predicate",
    [
        _always,
        _with_a_default,
        _of_anything,
        _of_one_and_anything,
        _Rules().both,
        _Rules(),
        functools.partial(_bounded, 3),
    ],
    ids=["two", "a default", "any", "one and any", "a method", "an object", "a partial"],
)
def test_a_predicate_takes_a_principal_and_a_request(predicate: Any) -> None:
    assert requires(predicate).requirement.predicates == (predicate,)


_hidden: Any = vars(Plain)["of_class"]


async def _async_predicate(principal: object, request: object) -> bool:
    return True


# Lifespan: the one call that is made by nobody


def _asgi_application() -> Any:
    @needs_write
    async def app(scope: Any, receive: Any, send: Any) -> str:
        return "done"

    return app


class _ASGIApplication:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> str:
        return "done"


APPLICATIONS = {
    "def": _asgi_application(),
    "class": needs_write(_ASGIApplication)(),
    "object": needs_write(_ASGIApplication()),
}


@pytest.mark.parametrize("app", APPLICATIONS.values(), ids=APPLICATIONS)
def test_a_guarded_asgi_application_is_told_of_start_up_and_shutdown(app: Any) -> None:
    assert asyncio.run(app({"type": "lifespan"}, _receive, _receive)) == "done"
    for kind in ("http", "websocket", "unknown"):
        with pytest.raises(AccessRefused):
            asyncio.run(app({"type": kind}, _receive, _receive))


async def _receive(*_: Any) -> None: ...


@pytest.mark.parametrize(
    "arguments",
    [
        ({"type": "lifespan"},),
        ({"type": "lifespan"}, "receive", "send"),
        ({"type": "lifespan"}, _receive, None),
        ({"type": "lifespan"}, _receive),
    ],
    ids=len,
)
def test_a_dict_that_a_client_wrote_opens_nothing(arguments: tuple[Any, ...]) -> None:
    @needs_write
    def save(*values: Any) -> str:
        return "saved"

    with pytest.raises(AccessRefused):
        save(*arguments)


def test_even_the_whole_shape_of_a_lifespan_opens_nothing_inside_a_request() -> None:
    with acting_as(READER), pytest.raises(AccessRefused):
        asyncio.run(_asgi_application()({"type": "lifespan"}, _receive, _receive))


def test_a_view_asks_inline_too() -> None:
    with acting_as(READER):
        assert current_principal().can("read")
        assert not current_principal().can("write")
        current_principal().require("read")
        with pytest.raises(AccessRefused):
            current_principal().require("write")
    with pytest.raises(AccessRefused):
        current_principal().require("read")


@pytest.mark.parametrize("other", Access)
def test_the_stricter_access_holds_when_two_requirements_are_combined(other: Access) -> None:
    for access in Access:
        combined = Requirement(access) & Requirement(other)
        assert combined == Requirement(other) & Requirement(access)
        assert combined.access is max(access, other)
        assert combined.is_open is (access is not Access.AUTHENTICATED and other is not Access.AUTHENTICATED)
