"""Records of declarations: an attribute of everything below a wrapper, with what was declared above it."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.engine.markers import declarations, is_proxy, name_of, no_attributes
from authmw.engine.reached import DEEPEST_CHAIN, chain_of, reached_from
from authmw.errors import ConfigurationError
from authmw.flow.forks import in_each_child
from authmw.identity.requirement import Requirement

if TYPE_CHECKING:
    from authmw.http.request import RequestHead
    from authmw.identity.principal import Principal

_ABOVE: Final = "__authmw_declared_above__"
_OPENED: Final = "__authmw_opened__"
_BOUND: Final = "__authmw_declared_above_methods__"

_MOST_RECORDED: Final = 100

_OfMethods = dict[int, tuple[object, Requirement]]


def recorded_above(target: object) -> Requirement | None:
    """The requirement that all wrappers of `target` declared together; None for none."""
    record: object = getattr(target, _ABOVE, None)
    found = record if isinstance(record, Requirement) else None
    if isinstance(target, MethodType):
        of_method = _of_methods(target).get(id(target.__func__))
        if of_method is not None:
            return of_method[1] if found is None else found & of_method[1]
    return found


def is_opened_itself(target: object) -> bool:
    """Whether an open record was written on `target` itself, and not copied from what it wraps."""
    return getattr(target, _OPENED, None) is target


def record_above(target: object, requirement: Requirement) -> None:
    """Record on `target`, and on everything that it wraps, that a wrapper of it declares `requirement`.

    Requirements are merged, and wrappers are not kept, so that a program may make wrappers on each request.

    Raises:
        ConfigurationError: `target` cannot have attributes, or wraps itself.
    """
    if requirement.is_open:
        _records.add(target, requirement)
        return  # public access has to be explicit: it does not open what `target` wraps
    if sum(1 for _ in chain_of(target)) >= DEEPEST_CHAIN:  # the chain may also be a circle
        raise ConfigurationError(f"{name_of(target)} is wrapped {DEEPEST_CHAIN} times: decorate the function once")
    for link in reached_from(target):
        if isinstance(link, type) or is_proxy(link):
            continue  # nothing is declared on a class by its use; what a proxy wraps gets the record
        try:
            _records.add(link, requirement)
        except ConfigurationError:
            if link is target:
                raise


def forget_records(wrapper: object) -> None:
    """Remove from `wrapper` the copy of a record of what it wraps."""
    vars(wrapper).pop(_ABOVE, None)


def _of_methods(method: MethodType) -> _OfMethods:
    """The records of the methods of the object to which `method` is bound. They end with that object."""
    attributes: Mapping[str, Any] = getattr(method.__self__, "__dict__", {})
    return cast("_OfMethods", attributes.get(_BOUND, {}))


class _Records:
    """Writer of all records. It locks, so that no record is lost when several threads declare at once."""

    def __init__(self) -> None:
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = Lock()

    def add(self, target: object, requirement: Requirement) -> None:
        """Add `requirement` to the record of `target`.

        Raises:
            ConfigurationError: `target` cannot have attributes.
        """
        with self._lock:
            known = recorded_above(target)
            if known is not None and known.is_open and type(target) is not MethodType and not is_opened_itself(target):
                known = None  # a copy of what opens only the function that `target` wraps
            together = requirement if known is None else _bounded(known & requirement)
            try:
                if type(target) is MethodType:
                    # The function of a method is shared by all objects of its class, and by subclasses.
                    known_methods = {**_of_methods(target), id(target.__func__): (target.__func__, together)}
                    _write(target.__self__, _BOUND, known_methods)
                    return
                if requirement.is_open:
                    setattr(target, _OPENED, target)
                setattr(target, _ABOVE, together)
            except Exception:
                raise no_attributes(target) from None
            finally:
                if together == known:
                    declarations.change()
                else:
                    declarations.change_on(target)


def _write(target: Any, name: str, value: object) -> None:
    if isinstance(target, type):
        setattr(target, name, value)
    else:
        target.__dict__[name] = value


_records: Final = _Records()


def too_many_declarations(principal: Principal, request: RequestHead) -> bool:
    """Always False. It replaces the declarations of a function that has too many: the function refuses every caller."""
    return False


def _bounded(requirement: Requirement) -> Requirement:
    parts: tuple[Any, ...] = (*requirement.scopes, *requirement.alternatives, *requirement.predicates)
    return requirement if len(parts) <= _MOST_RECORDED else Requirement(predicates=(too_many_declarations,))
