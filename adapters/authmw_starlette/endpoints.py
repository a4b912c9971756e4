"""Callables of Starlette's and FastAPI's routes, which may differ from their attribute ``endpoint``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any, Final

from starlette.endpoints import HTTPEndpoint

from authmw.engine.markers import chain_of

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")


def called_by(route: Any) -> Any:
    """The function, class or application that `route` calls.

    A route calls the object that it was made with. If its ``endpoint`` is replaced later, by a wrapper, only the
    attribute changes.
    """
    original = _original_of(route)
    reached = tuple(chain_of(original))
    if any(each is route.endpoint for each in reached):
        return route.endpoint
    # If the two are not linked, one is a wrapper without ``__wrapped__``, which is taken to call the ``endpoint``.
    return original if any(each is other for each in reached for other in chain_of(route.endpoint)) else route.endpoint


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


def handlers_of(endpoint: Any) -> Iterator[object]:
    """All methods by which a class answers requests."""
    endpoint = function_of(endpoint)
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        yield from (getattr(endpoint, each.lower()) for each in METHODS if hasattr(endpoint, each.lower()))


def _original_of(route: Any) -> Any:
    """The object that `route` was made with, as far as it can be found."""
    call = getattr(getattr(route, "dependant", None), "call", None)
    if call is not None:
        return call  # FastAPI reads this at each request
    app: Any = getattr(route, "app", None)
    while hasattr(app, "app"):
        app = app.app  # the middleware of one route
    return _adapted(app) or app


def _adapted(app: object) -> Any:
    """The function from which Starlette made the application `app`; None for any other application."""
    if not isinstance(app, FunctionType) or app.__module__ != "starlette.routing":
        return None
    held = dict(zip(app.__code__.co_freevars, app.__closure__ or (), strict=True))
    cell = held.get("f") or held.get("func")
    function: Any = None if cell is None else cell.cell_contents
    # One that is not async is called in a thread: `partial(run_in_threadpool, function)`.
    return function.args[0] if _runs_in_thread(function) else function


def _runs_in_thread(function: object) -> bool:
    return isinstance(function, partial) and getattr(function.func, "__module__", "") == "starlette.concurrency"
