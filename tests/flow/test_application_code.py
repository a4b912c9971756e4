"""Code of the application: what is recognised as such, and where it raised an exception."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from authmw.flow.application_code import is_of_application, raised_at, takes, was_raised_by_application
from authmw.flow.flow import run
from authmw.stores import MemoryRevocations, MemoryUsers
from authmw.stores.joined_revocations import JoinedRevocations


class Own(MemoryUsers):
    """Users of an application."""


def test_what_is_of_the_application() -> None:
    found = {
        "function": is_of_application(caught),
        "partial": is_of_application(partial(partial(caught))),
        "partial of ours": is_of_application(partial(partial(run))),
        "builtin": is_of_application(len),
        "without a module": is_of_application(GET),
        "method of a subclass": is_of_application(Own().find),
        "class method of a subclass": is_of_application(Own.__init_subclass__),
        "joined stores, which may be the application's": is_of_application(
            JoinedRevocations(MemoryRevocations(), MemoryRevocations()).publish
        ),
        "ours": is_of_application(run),
        "method of ours": is_of_application(MemoryUsers().find),
    }
    ours = {"partial of ours", "ours", "method of ours"}
    assert {name for name, is_own in found.items() if not is_own} == ours


class Calls:
    """An object that is called with two arguments."""

    def __call__(self, one: object, two: object) -> None: ...


def none() -> None: ...
def one(first: object) -> None: ...
def one_or_two(first: object, second: object = None) -> None: ...
def any_number(*several: object) -> None: ...
def one_or_more(first: object, *several: object) -> None: ...
def one_and_a_name(first: object, *, second: object = None) -> None: ...


GET: Final = dict[str, str]().get
TAKING: list[tuple[object, tuple[int, ...]]] = [
    (none, (0,)),
    (one, (1,)),
    (one_or_two, (1, 2)),
    (any_number, (0, 1, 2, 3)),
    (one_or_more, (1, 2, 3)),
    (one_and_a_name, (1,)),
    (Calls(), (2,)),
    (Calls().__call__, (2,)),
    (Own().find, (1,)),
    (Own.find, (2,)),
    (GET, (0, 1, 2, 3)),
    (partial(Calls()), (0, 1, 2, 3)),
]


@pytest.mark.parametrize("function, numbers", TAKING)
def test_how_many_arguments_a_function_takes(function: object, numbers: tuple[int, ...]) -> None:
    assert tuple(number for number in range(4) if takes(function, number)) == numbers


def within(module: str, file: str, function: str) -> Callable[..., None]:
    """A function of that module and file, which calls the first of what it is given with the rest, or raises."""
    source = f"def {function}(*inner):\n    inner[0](*inner[1:]) if inner else int('x')\n"
    made: dict[str, Any] = {"__name__": module}
    exec(compile(source, file, "exec"), made)
    called: Callable[..., None] = made[function]
    return called


SHOP = within("shop.views", "/srv/shop/views.py", "list_orders")
ENGINE = within("authmw.engine.auth", "/usr/lib/x/site-packages/authmw/engine/auth.py", "authenticate")
LIBRARY = within("orm.session", "/usr/lib/x/site-packages/orm/session.py", "execute")
DEBIAN = within("orm.session", "/usr/lib/python3/dist-packages/orm/session.py", "execute")
INSTALLED = within("store.views", "/usr/lib/x/site-packages/store/views.py", "find")
GENERATED = within("orm.made", "<string>", "made")


def caught(*calls: Callable[..., None]) -> ValueError:
    """The exception that the last of these functions raised, which called one another."""
    with pytest.raises(ValueError, match="int") as raised:
        calls[0](*calls[1:])
    trace = raised.value.__traceback__
    return raised.value.with_traceback(trace and trace.tb_next)  # without this function


PLACES: list[tuple[tuple[Callable[..., None], ...], str]] = [
    ((ENGINE, SHOP, LIBRARY), "list_orders"),
    ((ENGINE, SHOP, DEBIAN), "list_orders"),
    ((ENGINE, SHOP, GENERATED), "list_orders"),
    ((ENGINE, INSTALLED, LIBRARY), "find"),
    ((ENGINE, INSTALLED, SHOP), "list_orders"),
    ((SHOP, ENGINE), "list_orders"),
]


@pytest.mark.parametrize("functions, place", PLACES)
def test_the_innermost_place_in_the_application_is_named(
    functions: tuple[Callable[..., None], ...], place: str
) -> None:
    found = raised_at(caught(*functions))
    assert found is not None
    assert (found.function, found.line) == (place, 2)


def test_where_only_code_of_authmw_or_none_raised_it() -> None:
    found = raised_at(caught(ENGINE))
    assert found is not None
    assert found.function == "authenticate"
    assert raised_at(ValueError()) is None


def test_of_a_group_the_first_exception_counts() -> None:
    found = raised_at(ExceptionGroup("two", [caught(SHOP), caught(INSTALLED)]))
    assert found is not None
    assert found.function == "list_orders"


def test_who_raised_an_exception() -> None:
    raised = {
        "the application": was_raised_by_application(caught(ENGINE, SHOP)),
        "a library": was_raised_by_application(caught(ENGINE, LIBRARY)),
        "authmw": was_raised_by_application(caught(SHOP, ENGINE)),
        "nobody": was_raised_by_application(ValueError()),
    }
    assert raised == {"the application": True, "a library": True, "authmw": False, "nobody": False}
