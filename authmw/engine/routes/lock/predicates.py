"""Identity of a predicate in a lock: its name, and a sum of its code that changes when the function does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from textwrap import dedent
from types import FunctionType, MethodType
from typing import Any, Final, cast

from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.requirement import Predicate, predicate_name
from authmw.identity.step_up import StepUp

_DIGITS: Final = 12
_PLAIN: Final = (str, int, float, bytes, type(None))
_SEVERAL: Final = (tuple, list, set, frozenset)


@dataclass(frozen=True, slots=True)
class LockedPredicate:
    """A predicate as a lock names it. Called, it lets nobody pass: the function itself is not in the lock.

    Args:
        name: its module and name.
        code: the sum of its code; empty if the code cannot be read.
    """

    name: str
    code: str

    @classmethod
    def of(cls, predicate: Predicate) -> LockedPredicate:
        """The name of `predicate`, and the sum of its source, of its defaults and of what it closes over.

        The sum does not depend on comments and on how the source is laid out. What the function calls is not followed.
        """
        if isinstance(predicate, LockedPredicate):
            return predicate
        if isinstance(predicate, StepUp):
            return cls(str(predicate), "")
        named = predicate if hasattr(predicate, "__qualname__") else type(predicate)
        name = f"{getattr(named, '__module__', '')}.{predicate_name(predicate)}"
        parts = list(_parts(predicate, set()))
        code = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS] if parts else ""
        return cls("".join(name.split()), code)

    def __call__(self, principal: Principal, request: RequestHead) -> bool:
        """Always False."""
        return False


def _parts(value: Any, seen: set[int]) -> Iterator[str]:
    """Texts that are the same as long as `value` is."""
    if isinstance(value, _PLAIN):
        yield repr(value)
    elif id(value) not in seen:
        seen.add(id(value))
        yield from _parts_of_object(value, seen)


def _parts_of_object(value: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(value, FunctionType):
        yield _source_of(value)
        cells = (_content(cell) for cell in value.__closure__ or ())
        yield from _each((*cells, value.__defaults__, value.__kwdefaults__), seen)
    elif isinstance(value, MethodType):
        yield from _each((value.__func__, value.__self__), seen)
    elif isinstance(value, partial):
        found = cast("partial[object]", value)
        yield from _each((found.func, found.args, found.keywords), seen)
    elif isinstance(value, _SEVERAL):
        members = [list(_parts(each, seen)) for each in cast("Iterable[object]", value)]
        yield from (part for each in (members if isinstance(value, tuple | list) else sorted(members)) for part in each)
    elif isinstance(value, Mapping):
        found_items = sorted((repr(key), list(_parts(each, seen))) for key, each in cast("Any", value).items())
        yield from (part for key, parts in found_items for part in (key, *parts))
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}"
    else:
        yield from _parts_of_instance(value, seen)


def _parts_of_instance(value: Any, seen: set[int]) -> Iterator[str]:
    kind = cast("type[object]", type(value))
    call = getattr(kind, "__call__", None)  # noqa: B004 - of the class
    if isinstance(call, FunctionType):  # of other objects only the type is known
        yield f"{kind.__module__}.{kind.__qualname__}"
        yield from _each((call, getattr(value, "__dict__", None)), seen)
    elif not callable(value):
        yield f"{kind.__module__}.{kind.__qualname__}"


def _each(values: Iterable[object], seen: set[int]) -> Iterator[str]:
    for value in values:
        yield from _parts(value, seen)


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # its value is not assigned yet
        return None


def _source_of(function: FunctionType) -> str:
    """The source of `function` without comments and layout; its code as bytes where there is no source."""
    import ast
    import inspect

    try:
        text = dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return f"{function.__code__.co_code.hex()} {_names_in(function)}"
    try:
        parsed = ast.parse(text.strip().lstrip("@"))  # a lambda in a decorator comes as that line alone
    except SyntaxError:
        return f"{' '.join(text.split())} {_names_in(function)}"
    if function.__name__ != "<lambda>":
        return ast.unparse(parsed)
    lambdas = [each for each in ast.walk(parsed) if isinstance(each, ast.Lambda)]
    return ast.unparse(lambdas[0]) if len(lambdas) == 1 else f"{ast.unparse(parsed)} {_names_in(function)}"


def _names_in(function: FunctionType) -> str:
    """What tells functions apart that stand on one line."""
    code = function.__code__
    return repr((code.co_varnames, code.co_names, [each for each in code.co_consts if isinstance(each, _PLAIN)]))
