"""Innermost place of a Django project: behind the ``process_view`` of all middleware, in front of the view.

Django gives that place to the last of ``MIDDLEWARE``, and `AuthMiddleware` stands in front. So it takes it itself, from
the handler of Django that makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import currentframe
from typing import Any, cast

from django.core.handlers.base import BaseHandler


def call_last(function: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """Let the handler that loads its middleware now call `function` as the last ``process_view``.

    What no handler loads stays without it, and then no view counts as reached.

    Args:
        function: for a handler under WSGI.
        twin: the same as a coroutine function, for one under ASGI.
    """
    frame = currentframe()
    while frame is not None:
        handler: Any = frame.f_locals.get("self")
        if isinstance(handler, BaseHandler) and "is_async" in frame.f_locals:
            last = twin if frame.f_locals["is_async"] else function
            cast("Any", handler)._view_middleware.append(last)  # Django puts what it finds later to the front
            return
        frame = frame.f_back
