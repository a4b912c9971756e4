"""Callables of Starlette's and FastAPI's routes, which may differ from their attribute ``endpoint``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any, Final

from starlette.endpoints import HTTPEndpoint

from authmw.engine.reached import reached_from

_DISPATCHING: Final = ("__new__", "__init__", "__getattribute__", "__await__", "dispatch")
"""What runs for a class before the method that answers. Each may choose another method, or answer itself."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")


def called_by(route: Any) -> tuple[Any, ...]:
    """What `route` calls: the function, class or application that it was made with.

    Its attribute ``endpoint`` is the same object, unless one of the two was replaced later. If what is called calls the
    ``endpoint`` in turn, that follows as the second. Otherwise the ``endpoint`` is never called.
    """
    called = _original_of(route)
    if called is route.endpoint or not any(each is route.endpoint for each in reached_from(called)):
        return (called,)
    return (called, route.endpoint)


def function_of(endpoint: Any) -> Any:
    """The function of an `endpoint` that may be a ``partial``."""
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    return endpoint


def handler_of(endpoint: Any, method: str) -> Any:
    """The method of a class that answers `method`, as ``HTTPEndpoint.dispatch`` chooses it; None if there is none."""
    endpoint = function_of(endpoint)
    if not isinstance(endpoint, type) or not method:
        return None
    name = "get" if method == "HEAD" and not hasattr(endpoint, "head") else method.lower()
    return getattr(endpoint, name, None)


def dispatches_itself(endpoint: Any) -> bool:
    """Whether a class, or one that it inherits from, decides itself which of its methods answers a request."""
    endpoint = function_of(endpoint)
    if not isinstance(endpoint, type):
        return False
    own = any(getattr(endpoint, each) is not getattr(HTTPEndpoint, each, None) for each in _DISPATCHING)
    return own or type(endpoint).__call__ is not type.__call__


def handlers_of(endpoint: Any) -> Iterator[object]:
    """All methods by which a class answers requests."""
    endpoint = function_of(endpoint)
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        yield from (getattr(endpoint, each.lower()) for each in METHODS if hasattr(endpoint, each.lower()))


def _original_of(route: Any) -> Any:
    """The object that `route` was made with, as far as it can be found; else its ``endpoint``."""
    app: Any = getattr(route, "app", None)
    while hasattr(app, "app"):
        app = app.app  # the middleware of one route
    adapted: Any = _held_by(app, "f", "func") if _is_of(app, "starlette.routing", "fastapi.routing") else None
    if _runs_in_thread(adapted):
        adapted = adapted.args[0]  # one that is not async: `partial(run_in_threadpool, function)`
    # FastAPI calls what its tree of dependencies names at each request. The route has the tree too, unless replaced.
    tree = _held_by(adapted, "dependant") or getattr(route, "dependant", None)
    call = getattr(tree, "call", None)
    return next((each for each in (call, adapted, app) if each is not None), route.endpoint)


def _held_by(function: object, *names: str) -> Any:
    """What `function` has in its closure under the first of `names` that is there; None for nothing."""
    if not isinstance(function, FunctionType):
        return None
    held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return next((held[name].cell_contents for name in names if name in held), None)


def _is_of(function: object, *modules: str) -> bool:
    return isinstance(function, FunctionType) and function.__globals__.get("__name__") in modules


def _runs_in_thread(function: object) -> bool:
    return isinstance(function, partial) and getattr(function.func, "__module__", "") == "starlette.concurrency"
