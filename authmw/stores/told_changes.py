"""Decorators of methods that administer stores: each success is an event, in stores with and without an event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, cast

from authmw.events.hub import hub
from authmw.events.records import Event, Revoked, UserChanged
from authmw.stores.records import ApiKeyRecord, Client, TokenRecord, User

P = ParamSpec("P")
T = TypeVar("T")
Revocable = TypeVar("Revocable", ApiKeyRecord, Client, TokenRecord)


def changes_user(change: str) -> Callable[[Callable[P, User]], Callable[P, User]]:
    """Make each success of a method an event `UserChanged`.

    Args:
        change: what the method does to the user, as ``disabled``.
    """
    return lambda method: _telling(method, lambda user: UserChanged(principal=user.id, change=change))


def revokes(kind: str) -> Callable[[Callable[P, Revocable]], Callable[P, Revocable]]:
    """Make each success of a method an event `Revoked`.

    Args:
        kind: of what the method revokes, as ``key``.
    """
    return lambda method: _telling(method, lambda record: Revoked(kind=kind, id=record.id))


def _telling(method: Callable[P, T], make: Callable[[T], Event]) -> Callable[P, T]:
    @wraps(method)
    def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        answer: Any = method(*args, **kwargs)
        if not hub.listening:
            return cast("T", answer)
        if isinstance(answer, CoroutineType):  # the method of a store on an event loop
            return cast("T", _awaited(cast("Any", answer), make))
        hub.emit(make(answer))
        return cast("T", answer)

    return telling


async def _awaited(answer: Coroutine[Any, Any, T], make: Callable[[T], Event]) -> T:
    done = await answer
    hub.emit(make(done))
    return done
