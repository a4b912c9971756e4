"""Call modes: how a function is called under ASGI (on the event loop, on a thread, or awaited).

A function without a mark is ``ASYNC`` if it is an ``async def``, and ``BLOCKING`` otherwise. A method is marked on its
function, on its object or on its class. An ``async def`` is always awaited, whatever its mark.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar

from authmw.flow.application_code import is_of_application

T = TypeVar("T")

_MARK: Final = "__authmw_call_mode__"
_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the import


class CallMode(Enum):
    """How a function, or each method of a store, is called under ASGI. Each value is a decorator that sets it.

    Under WSGI every function is called on the thread of the request, and ``ASYNC`` is an error.

    >>> @CallMode.NONBLOCKING
    ... def find(username: str) -> str | None: ...
    >>> CallMode.of(find)
    <CallMode.NONBLOCKING: 'nonblocking'>
    """

    BLOCKING = "blocking"
    """May wait for a disk or a server. It is called on a thread. The mode of a ``def`` without a mark."""
    NONBLOCKING = "nonblocking"
    """Answers from memory. It is called on the event loop, because a change of threads costs more than the call."""
    ASYNC = "async"
    """Returns an awaitable, and does nothing until it is awaited. The mode of an ``async def`` without a mark."""
    OWN_TIMEOUT = "own-timeout"
    """Waits for the client or for another server, and has its own timeout: authmw adds none. A ``def`` is called on a
    separate pool of threads, so that slow peers cannot starve the stores."""

    def __call__(self, target: T) -> T:
        """Set this mode on `target`, which is a function, a class or an object, and return `target`."""
        setattr(target, _MARK, self)
        return target

    @staticmethod
    def of(function: object) -> CallMode:
        """The mode of `function`."""
        own = getattr(function, "__func__", function)  # reading the mark here takes a third of the time
        mode: CallMode | None = getattr(own, _MARK, None)
        if mode is None:
            mode = getattr(getattr(function, "__self__", None), _MARK, None)
        code = getattr(own, "__code__", None)
        if code is not None and code.co_flags & _CO_COROUTINE and mode is not _OWN_TIMEOUT:
            return _ASYNC
        return _BLOCKING if mode is None else mode


# Python 3.11 looks up members of an enumeration slowly, and the drivers read the mode of each question.
_ASYNC: Final = CallMode.ASYNC
_BLOCKING: Final = CallMode.BLOCKING
_NONBLOCKING: Final = CallMode.NONBLOCKING
_OWN_TIMEOUT: Final = CallMode.OWN_TIMEOUT


def is_own_and_nonblocking(function: object) -> bool:
    """Whether `function` is a method of a store of authmw that is marked with ``NONBLOCKING``."""
    store: object = getattr(function, "__self__", None)
    # The mark of the object is read each time: it may be another one than that of its class.
    if getattr(store, _MARK, None) is not _NONBLOCKING:
        return False
    kind: Any = type(store)
    return _is_own_without_mode(kind, getattr(function, "__func__", None))


@lru_cache(maxsize=256)
def _is_own_without_mode(store: Hashable, method: Hashable) -> bool:
    has_mode = hasattr(method, _MARK) or is_async_def(method)
    return not (has_mode or is_of_application(store) or is_of_application(method))


def is_async_def(function: object) -> bool:
    """Whether `function` is an ``async def``."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)
