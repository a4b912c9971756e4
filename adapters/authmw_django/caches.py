"""Views below ``cache_page`` that need a caller: what was made for one is sent to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any

from django.middleware.cache import CacheMiddleware

from authmw.engine.reached import reached_from
from authmw_django.listing import closed_views


def views_shared_by_callers() -> Iterator[str]:
    """The name of each such view, unless its responses vary by a header."""
    for found in closed_views():
        inside = list(reached_from(found.view))
        if any(map(_is_cached, inside)) and not any(map(_varies, inside)):
            yield found.name


def _is_cached(each: Any) -> bool:
    """Whether ``cache_page`` made `each`: the functions that it calls refer to the cache."""
    return any(isinstance(inner, CacheMiddleware) for held in _held_by(each) for inner in _held_by(held))


def _held_by(function: Any) -> list[Any]:
    """What `function` closes over."""
    held: list[Any] = []
    for cell in (function.__closure__ or ()) if isinstance(function, FunctionType) else ():
        with suppress(ValueError):  # its function is not defined yet
            held.append(cell.cell_contents)
    return held


def _varies(each: Any) -> bool:
    """Whether ``vary_on_headers`` or ``vary_on_cookie`` made `each`."""
    return isinstance(each, FunctionType) and each.__globals__.get("__name__") == "django.views.decorators.vary"
