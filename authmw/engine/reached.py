"""Functions that a callable reaches: what it wraps or holds, as far as that can be seen without a call.

`chain_of` follows what a wrapper says about itself. `reached_from` also looks where a wrapper says nothing: into its
closure and its defaults, the arguments of a partial, the attributes of a callable object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final, cast

from authmw.engine.markers import is_own_wrapper, name_of
from authmw.errors import ConfigurationError

DEEPEST_CHAIN: Final = 1000
"""After so many objects a chain counts as a circle."""
_MOST_REACHED: Final = 1000
_OF_CACHES: Final = ("cache", "cache_clear", "cache_info", "cache_key", "__cache_key__", "invalidate", "uncached")
_CACHING: Final = frozenset({"asyncache", "cashews", "fastapi_cache", "fastapi_redis_cache"})
"""Packages whose caches have no such attribute."""
_APPLICATIONS: Final = frozenset(
    {("scope", "receive", "send"), ("environ", "start_response"), ("env", "start_response")}
)


def chain_of(target: object) -> Iterator[object]:
    """`target` and the objects inside it, from outside in: by `functools.wraps`, as a partial, as a bound method."""
    for _ in range(DEEPEST_CHAIN):
        if target is None:
            return
        yield target
        if isinstance(target, partial):
            target = target.func
        elif isinstance(target, MethodType):
            target = target.__func__
        else:
            target = getattr(target, "__wrapped__", None)


def reached_from(target: object) -> Iterator[object]:
    """`target` and all that it may call in the place of a function that it was made from.

    A decorator without `functools.wraps` leaves no trace of the function but in its closure. So every function in a
    closure counts, except for those of the same scope: a view that calls its neighbour is no decorator of it.

    Raises:
        ConfigurationError: there is no end of it.
    """
    return _walk(target, _inside)


def called_from(target: object) -> Iterator[object]:
    """`target` and all that it may call, down to the first wrappers of authmw."""
    return _walk(target, lambda each: [] if is_own_wrapper(each) else _called_by(each))


def goes_around(target: object, wrapper: object) -> bool:
    """Whether `target`, which says that it wraps `wrapper`, holds only what `wrapper` wraps, and so calls that."""
    wrapped, called = list(chain_of(wrapper)), list(called_from(target))
    return not _is_among(called, wrapper) and any(_is_among(wrapped, each) for each in called)


def is_cache(target: object) -> bool:
    """Whether `target` may answer from its memory, without a call of what it wraps: a `functools.cache` or the like."""
    wrapped = _wrapped_by(target)
    if wrapped is not None and _package_of(target) in _CACHING:
        return True
    # `functools.wraps` copies such attributes, so another one of the same name has to be inside.
    return wrapped is not None and any(
        hasattr(target, name) and getattr(target, name) != getattr(wrapped, name, None) for name in _OF_CACHES
    )


def _package_of(target: object) -> str:
    """The package that has the code of a function. `functools.wraps` copies ``__module__``, but not this."""
    code_globals = cast("FunctionType", target).__globals__ if issubclass(type(target), FunctionType) else {}
    return str(code_globals.get("__name__", "")).partition(".")[0]


def _walk(target: object, inside: Callable[[object], list[object]]) -> Iterator[object]:
    seen: dict[int, object] = {}
    waiting = [target]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if len(seen) > _MOST_REACHED:
            raise ConfigurationError(f"{name_of(target)} holds too many functions: decorate each function itself")
        yield each
        waiting.extend(inside(each))


def _inside(target: object) -> list[object]:
    """What `target` wraps or holds directly."""
    wrapped, held = _wrapped_by(target), _held_by(target)
    # `functools.wraps` may have been given another function than the one that is called. A bound method calls its own:
    # that is not reached, since all objects of the class share it.
    is_held = any(each is wrapped or (type(each) is MethodType and each.__func__ is wrapped) for each in held)
    if issubclass(type(target), FunctionType):  # `functools.wraps` copies attributes: what is in them may not be called
        held = [*held, *_functions(value for name, value in vars(target).items() if name != "__wrapped__")]
    return held if wrapped is None or is_held else [wrapped, *held]


def _called_by(target: Any) -> list[object]:
    """What `target` holds; where that cannot be seen, what it says that it wraps."""
    if issubclass(type(target), MethodType):
        return [target.__func__, *_held_by(target)]
    return _held_by(target) or _inside(target)


def _held_by(target: Any) -> list[object]:
    """The functions that `target` holds. If what it says that it wraps is among them, only that."""
    wrapped = _wrapped_by(target)
    held: list[object] = []
    if wrapped is not None and is_own_wrapper(target):
        held = [wrapped]
    elif issubclass(type(target), partial):
        held = [target.func, *_functions((*target.args, *target.keywords.values()))]
    elif issubclass(type(target), MethodType):
        held = _held_in_attributes(target.__self__)
    elif issubclass(type(target), FunctionType):
        held = _closed_over_by(target)
    elif _is_python_instance(target):
        held = _held_in_attributes(target)
    return [wrapped] if wrapped is not None and _is_among(held, wrapped) else held


def _is_among(several: Iterable[object], one: object) -> bool:
    return any(each is one for each in several)


def _closed_over_by(function: FunctionType) -> list[object]:
    """What `function` holds, and what the functions hold that were defined beside it: they may share a decorator."""
    scope = f"{function.__code__.co_qualname.rpartition('.<locals>.')[0]}.<locals>"
    found: list[object] = []
    neighbours = [function]
    for each in neighbours:
        for name, value in zip(each.__code__.co_freevars, _contents_of(each), strict=True):
            qualname = f"{scope}.{name}"
            if name == "self":
                found += _held_in_attributes(value)
            elif not _is_defined_as(qualname, value):
                found.append(value)
            elif type(value) is FunctionType and value.__code__.co_qualname == qualname:
                neighbours += () if _is_among(neighbours, value) else (value,)
        found += (*(each.__defaults__ or ()), *(each.__kwdefaults__ or {}).values())
    return _functions(found)


def _contents_of(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # its function is not defined yet
            yield None


def _is_defined_as(qualname: str, value: object) -> bool:
    """Whether `value` is the function of that name, also if it was decorated."""
    seen: dict[int, object] = {}
    waiting = [value]
    while waiting and len(seen) < _MOST_REACHED:
        each: Any = waiting.pop()
        if id(each) in seen or not _is_function(each):
            continue
        seen[id(each)] = each
        if issubclass(type(each), FunctionType):
            if each.__code__.co_qualname == qualname:
                return True
            waiting.extend(_contents_of(each))
        elif issubclass(type(each), partial):
            waiting.extend((each.func, *each.args))
        else:
            waiting.extend(_attributes_of(each))
        waiting.append(_wrapped_by(each))
    return False


def _held_in_attributes(instance: object) -> list[object]:
    """The functions that `instance` holds, or its ``__call__``. An application holds other endpoints too, so none."""
    kind = type(instance)
    if issubclass(kind, type) or _is_application(kind):
        return []
    call: object = getattr(kind, "__call__", None)  # noqa: B004 - of the class
    closed_over = _closed_over_by(call) if type(call) is FunctionType else []
    return [*_functions(_attributes_of(instance)), *closed_over]


def _attributes_of(instance: object) -> Iterator[object]:
    attributes: object = None
    try:
        attributes = object.__getattribute__(instance, "__dict__")
    except Exception:  # it has slots only
        attributes = None
    if isinstance(attributes, dict):
        yield from cast("dict[str, object]", attributes).values()
    for base in type(instance).__mro__:
        slots: object = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else cast("Iterable[str]", slots):
            try:
                yield object.__getattribute__(instance, name)
            except AttributeError:  # not assigned, or a private name
                continue


def _functions(values: Iterable[object]) -> list[object]:
    """The functions among `values`, and in the collections among them."""
    candidates = list(values)
    found = [each for each in candidates if _is_function(each)]
    return found + [inner for each in candidates for inner in _members_of(each) if _is_function(inner)]


def _members_of(value: object) -> Iterable[object]:
    kind = type(value)  # `isinstance` asks a proxy, which may raise anything
    if issubclass(kind, dict):
        return cast("dict[object, object]", value).values()
    return cast("Iterable[object]", value) if issubclass(kind, list | tuple | set | frozenset) else ()


def _is_function(value: object) -> bool:
    """Whether `value` may be a function that a decorator was given, or what another decorator made of one."""
    if _is_plainly_one(value):
        return True
    if not _is_python_instance(value):
        return False
    held = [*_attributes_of(value), *_contents_of(cast("FunctionType", type(value).__call__))]
    return any(map(_may_be_one, held)) or any(_may_be_one(inner) for each in held for inner in _members_of(each))


def _is_plainly_one(value: object) -> bool:
    kind = type(value)
    if value is None or issubclass(kind, type):
        return False
    return issubclass(kind, FunctionType | MethodType | partial) or _wrapped_by(value) is not None


def _may_be_one(value: object) -> bool:
    return _is_plainly_one(value) or _is_python_instance(value)


def _is_python_instance(value: object) -> bool:
    """Whether `value` is a callable object of a class in Python, and no WSGI or ASGI application."""
    kind = type(value)
    is_callable = type(getattr(kind, "__call__", None)) is FunctionType  # noqa: B004 - of the class
    return is_callable and not issubclass(kind, type) and not _is_application(kind)


def _is_application(kind: type) -> bool:
    """Whether objects of this class are called as WSGI or ASGI applications are, or register the views of one."""
    call: Any = getattr(kind, "__call__", None)  # noqa: B004 - of the class
    if type(call) is FunctionType and call.__code__.co_varnames[1 : call.__code__.co_argcount] in _APPLICATIONS:
        return True
    return hasattr(kind, "add_url_rule") or hasattr(kind, "add_route")


def _wrapped_by(value: Any) -> object:
    """What `value` says that it wraps; None if it says nothing."""
    if issubclass(type(value), MethodType):
        return None  # it has the attributes of its function, which other objects share
    try:
        wrapped: object = value.__wrapped__
    except Exception:  # a proxy may raise anything
        return None
    return wrapped if callable(wrapped) else None
