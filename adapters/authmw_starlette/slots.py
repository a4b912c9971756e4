"""Slots: the places in which the layers of a router keep the call of its routes, so that it can be replaced there.

A layer is a class, a closure, a method or a `functools.partial`, and may keep under any name what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

from starlette.routing import Router

from authmw_starlette.routers import routes_in

_DEEPEST: Final = 20
"""Layers of one router, at most: an object that refers to half of a program is not searched for ever."""


_MOST: Final = 500
"""Objects inside of an application, at most, among which one with a route table is looked for."""


class Slot(NamedTuple):
    """A place that holds something.

    Args:
        held: what it holds.
        put: replaces it.
    """

    held: Any
    put: Callable[[Any], None]


def slot_of_routes(router: Router, is_call: Callable[[object], bool]) -> Slot | None:
    """The slot of the call of the routes of `router`, inside of all its own layers; None if it is not found.

    Args:
        router: the router.
        is_call: whether an object is that call.
    """
    level = [_attribute(router, "middleware_stack")]
    seen: set[int] = set()
    for _ in range(_DEEPEST):
        for slot in level:
            if is_call(slot.held):
                return slot
        below: list[Slot] = []
        for slot in level:
            if id(slot.held) not in seen:
                seen.add(id(slot.held))
                below += _slots_in(slot.held)
        level = below
    return None


def tables_inside(app: object) -> Iterator[Any]:
    """The applications and routers with a route table that layers of `app` may call without showing them by ``app``.

    Args:
        app: a layer, or an application of any framework.
    """
    level, seen = [app], set[int]()
    for _ in range(_DEEPEST):
        below: list[object] = []
        for slot in (slot for each in level for slot in _slots_in(each)):
            held = slot.held.__self__ if isinstance(slot.held, MethodType) else slot.held
            if id(held) in seen:
                continue
            if len(seen) == _MOST:
                return
            seen.add(id(held))
            if routes_in(held) is None:
                below.append(held)
            else:
                yield held
        level = below


def _slots_in(layer: Any) -> Iterator[Slot]:
    """The slots in `layer` that hold something to call."""
    return (slot for slot in _every_slot_in(layer) if callable(slot.held) and not isinstance(slot.held, type))


def _every_slot_in(layer: Any) -> Iterator[Slot]:
    if isinstance(layer, MethodType):
        layer = layer.__self__
    if isinstance(layer, partial):
        yield from _slots_in_partial(layer)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(layer, FunctionType):
        for cell in layer.__closure__ or ():
            try:
                yield Slot(cell.cell_contents, partial(setattr, cell, "cell_contents"))
            except ValueError:  # an empty cell
                continue
    elif not isinstance(layer, type):
        names = [name for each in type(layer).__mro__ for name in _names_of_slots(each)]
        for name in (*getattr(layer, "__dict__", ()), *names):
            if hasattr(layer, name):
                yield _attribute(layer, name)


def _names_of_slots(kind: type) -> tuple[str, ...]:
    names: Any = vars(kind).get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _attribute(holder: Any, name: str) -> Slot:
    return Slot(getattr(holder, name), partial(object.__setattr__, holder, name))


def _slots_in_partial(layer: partial[Any]) -> Iterator[Slot]:
    yield Slot(layer.func, partial(_put_into_partial, layer, None))
    for place, held in enumerate(layer.args):
        yield Slot(held, partial(_put_into_partial, layer, place))
    for name, held in layer.keywords.items():
        yield Slot(held, partial(_put_into_partial, layer, name))


def _put_into_partial(layer: partial[Any], place: int | str | None, value: Any) -> None:
    function, args, keywords = layer.func, list(layer.args), dict(layer.keywords)
    if place is None:
        function = value
    elif isinstance(place, int):
        args[place] = value
    else:
        keywords[place] = value
    changed: Any = layer  # it can be changed, for pickle
    changed.__setstate__((function, tuple(args), keywords, vars(layer)))
