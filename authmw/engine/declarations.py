"""Declarations: the requirement of an endpoint, by the markers of the object that it registered.

A declaration belongs to the wrapper that the decorator returned. Everything below that wrapper keeps a record of it,
because a bare function that was registered for another endpoint looks exactly like a function whose decorator stands
above the decorator of the framework. So an endpoint needs what is declared on the object that it registered, and
everything that was declared above that object. A declaration on another wrapper of the same function is not above it.
"""

from __future__ import annotations

from functools import partial
from types import FunctionType

from authmw.engine.adapter import OneOperation
from authmw.engine.markers import (
    enforcing_wrapper_of,
    entry_of,
    is_enforcing_wrapper,
    is_instance_of_enforcing_class,
    is_own_wrapper,
    marked_requirement,
    name_of,
)
from authmw.engine.reached import called_from, chain_of, goes_around, is_cache
from authmw.engine.records import is_opened_itself, recorded_above
from authmw.errors import ConfigurationError
from authmw.identity.requirement import AUTHENTICATED, Requirement


def declared_by(target: object) -> Requirement | None:
    """The requirement that `target` declares, itself or by the wrapper of authmw inside it; None for none."""
    return _declarations(target)[0]


def needed_by(target: object) -> Requirement | None:
    """The requirement of an endpoint that registered `target`; None where nothing was declared.

    It is what `target` declares, together with everything that was declared above it. A bare function declares nothing
    itself, so it needs everything that was declared on any wrapper of it. It is open only if all of that is ``@public``
    or ``@optionally_authenticated``.
    """
    return None if target is None else _both(*_declarations(target))


def lost_in(target: object) -> Requirement | None:
    """The requirement that is declared inside of `target` and that a call of it does not enforce; None for none.

    A cache answers without a call of what is below it. A decorator may call the innermost function, and no wrapper.
    """
    lost: Requirement | None = None
    for each in called_from(target):
        if is_own_wrapper(each):
            continue  # a call of it enforces what it declares
        if is_cache(each):
            lost = _both(lost, _marked_below(each))
        elif not is_enforcing(each):
            lost = _both(lost, declared_by(each))
    return _closed(lost)


def declared_in(target: object) -> Requirement | None:
    """The requirement that a wrapper around `target` enforces besides its own; None for none."""
    return _both(declared_by(target), lost_in(target))


def requirement_of(target: object) -> Requirement:
    """The requirement of an endpoint that registered `target`; authentication where nothing was declared."""
    return needed_by(target) or AUTHENTICATED


def enforced_by(target: object) -> Requirement | None:
    """The requirement that a call of `target` enforces by itself; None for none."""
    return declared_by(target) if is_enforcing(target) else None


def is_unenforced(*targets: object) -> bool:
    """Whether an endpoint needs something that a call of it does not enforce.

    Args:
        targets: what the endpoint registered; or what is called for it, and what that calls in turn.
    """
    needed = None
    for target in targets:
        needed = _both(_both(needed, needed_by(target)), lost_in(target))
    if needed is None or needed.is_open:
        return False
    enforced = None
    for target in targets:
        enforced = _both(enforced, enforced_by(target))
    return enforced is None or not enforced.includes(needed)


def is_enforcing(target: object) -> bool:
    """Whether a call of `target` enforces what `target` declares: False for a view registered below its decorator."""
    # A subclass inherits the marker, but it may override the method that enforces it.
    if isinstance(target, type):
        entry = entry_of(target)
        # A call of a class makes an instance. It does not run __call__, so nothing is enforced.
        target = None if entry in (None, "__call__") else getattr(target, entry)
    elif is_instance_of_enforcing_class(target):
        target = type(target).__call__
    wrapper: object = None
    for link in chain_of(target):
        wrapper = wrapper or enforcing_wrapper_of(link)
        if is_enforcing_wrapper(link):
            break
        if is_cache(link):
            return False  # what it remembers, it gives to every caller
    return wrapper is not None and (wrapper is target or not goes_around(target, wrapper))


def adapter_of(app: object) -> OneOperation:
    """The adapter of an application whose framework is not known: what it declares counts for the whole of it.

    Raises:
        ConfigurationError: a wrapper of `app` declares a requirement that a call of `app` does not enforce.
    """
    if is_unenforced(app):
        raise ConfigurationError(
            f"AuthMiddleware got {name_of(app)} without its decorator: give it what the decorator returned, "
            "or authenticated(app) if anyone authenticated may call it"
        )
    return OneOperation(needed_by(app))


def _declarations(target: object) -> tuple[Requirement | None, Requirement | None]:
    """The requirement that `target` declares, and the one that was declared above it."""
    if isinstance(target, FunctionType):  # the fast path: Flask asks on each request
        if not target.__dict__:
            return None, None
        if is_own_wrapper(target):
            return marked_requirement(target), recorded_above(target)
    declared = above = None
    is_partial = False
    for link in chain_of(target):
        declared = _both(declared, marked_requirement(link))
        recorded = recorded_above(link)
        above = _both(above, recorded if link is target and is_opened_itself(link) else _closed(recorded))
        if is_own_wrapper(link):
            break  # what is inside is part of this declaration already, or belongs to other wrappers
        is_partial = is_partial or isinstance(link, partial)
    # Public access has to be explicit: a partial inherits what a view needs, but never @public.
    return (_closed(declared), _closed(above)) if is_partial else (declared, above)


def _marked_below(cache: object) -> Requirement | None:
    marked: Requirement | None = None
    for each in filter(is_own_wrapper, called_from(cache)):
        marked = _both(marked, marked_requirement(each))
    return marked


def _both(one: Requirement | None, other: Requirement | None) -> Requirement | None:
    if one is None or other is None or one is other:
        return other if one is None else one
    return one & other


def _closed(requirement: Requirement | None) -> Requirement | None:
    return None if requirement is None or requirement.is_open else requirement
