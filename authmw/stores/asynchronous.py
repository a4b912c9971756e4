"""Search for stores whose methods are ``async def``, in front of a server that can await nothing (WSGI)."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import Any

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.stores.revocation_feed import RevocationFeed


def check_for_wsgi(*holders: object) -> None:
    """Check at construction that nothing which `holders` ask is ``async def``.

    A class of authmw says by its attribute ``asks`` which methods it calls, of whatever it holds. What a verifier of
    the application asks, and a ``def`` that returns an awaitable, is found at the first request, which fails closed.

    Args:
        holders: verifiers or services.

    Raises:
        ConfigurationError: each method and each function that is asynchronous.
    """
    found = dict.fromkeys(name for holder in holders for name in _asynchronous_in(holder, set()))
    if found:
        raise ConfigurationError(
            *(
                f"{name} is async, and this is WSGI, which cannot await it: write def {name.rpartition('.')[2]}, "
                "without async, or serve the application by ASGI"
                for name in found
            )
        )


def _asynchronous_in(holder: Any, seen: set[int]) -> Iterator[str]:
    # A feed of revocations reads on a thread of its own. What an object of the application holds is not known.
    if id(holder) in seen or isinstance(holder, RevocationFeed) or not _is_ours(holder):
        return
    seen.add(id(holder))
    function = getattr(holder, "function", None)
    if isinstance(function, FunctionType | MethodType) and CallMode.of(function) is CallMode.ASYNC:
        yield function.__qualname__
    asks: tuple[str, ...] = getattr(holder, "asks", ())
    for held in _attributes_of(holder):
        for name in asks:
            method = getattr(held, name, None)
            if callable(method) and CallMode.of(method) is CallMode.ASYNC:
                yield f"{type(held).__name__}.{name}"
        yield from _asynchronous_in(held, seen)


def _is_ours(held: object) -> bool:
    return type(held).__module__.startswith("authmw")


def _attributes_of(held: object) -> Iterator[object]:
    yield from getattr(held, "__dict__", {}).values()
    for cls in type(held).__mro__:
        slots: Any = vars(cls).get("__slots__", ())
        yield from (getattr(held, name, None) for name in ([slots] if isinstance(slots, str) else slots))
