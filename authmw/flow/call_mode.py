"""Call modes: whether a function may be called on an event loop, on a thread, or awaited.

A function without a mark is ``ASYNC`` if it is an ``async def``, and else ``BLOCKING``. The mark of a method stands on
the function, on its object or on the class. An ``async def`` is awaited whatever its mark.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeVar

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
    """May wait, for a disk or a server: it is called on a thread. A ``def`` without a mark."""
    NONBLOCKING = "nonblocking"
    """Answers from memory: it is called on the event loop, since a change of threads costs more than its answer."""
    ASYNC = "async"
    """Returns an awaitable, and does nothing before that is awaited. An ``async def`` without a mark."""
    OWN_TIMEOUT = "own-timeout"
    """Waits for the client or for another server, and has a timeout of its own: none is added. A ``def`` is called on
    a pool of its own, so that slow peers cannot starve the stores."""

    def __call__(self, target: T) -> T:
        """Set this mode on a function, a class or an object; `target` itself."""
        setattr(target, _MARK, self)
        return target

    @staticmethod
    def of(function: object) -> CallMode:
        """The mode of `function`."""
        own = getattr(function, "__func__", function)  # the mark of a method, at a third of the cost
        mode: CallMode | None = getattr(own, _MARK, None)
        if mode is None:
            mode = getattr(getattr(function, "__self__", None), _MARK, None)
        code = getattr(own, "__code__", None)
        if code is not None and code.co_flags & _CO_COROUTINE and mode is not _OWN_TIMEOUT:
            return _ASYNC
        return _BLOCKING if mode is None else mode


# Python 3.11 looks members of an enumeration up slowly, and each question of a flow is asked by its mode.
_ASYNC: Final = CallMode.ASYNC
_BLOCKING: Final = CallMode.BLOCKING
_OWN_TIMEOUT: Final = CallMode.OWN_TIMEOUT


def is_async_def(function: object) -> bool:
    """Whether `function` is an ``async def``."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)
