"""Check for dependencies that FastAPI calls and does not run: a check in them would be skipped."""

from __future__ import annotations

import re
from inspect import isasyncgenfunction, isgeneratorfunction
from typing import Any, Final

from authmw_starlette.dependencies import dependencies_of
from authmw_starlette.walk import entries
from fastapi import __version__

from authmw.engine.declarations import is_enforcing
from authmw.engine.reached import chain_of
from authmw.engine.routes.route import place_of

_LOOKS_INTO_WRAPPERS: Final = (0, 123, 5)
"""The first release of FastAPI that looks for the ``yield`` of a dependency inside of wrappers."""


def skipped_dependencies(app: object, fastapi: str = __version__) -> tuple[str, ...]:
    """A sentence for each endpoint below `app` with a dependency that has ``yield`` and a requirement, and is not run.

    Args:
        app: an application.
        fastapi: the release that calls them.
    """
    if tuple(map(int, re.findall(r"\d+", fastapi)[:3])) >= _LOOKS_INTO_WRAPPERS:
        return ()
    found: dict[str, None] = {}
    for entry in entries(app):
        if any(is_enforcing(call) and _yields(call) for call in dependencies_of(entry.route)):
            place = f"{entry.route.name} ({place_of(entry.route.endpoint)})"
            found[
                f"{place} has a dependency with yield and a requirement, and FastAPI {fastapi} does not run that: "
                "install FastAPI 0.123.5 or newer, or write the requirement on the endpoint"
            ] = None
    return tuple(found)


def _yields(call: object) -> bool:
    innermost = list(chain_of(call))[-1]
    functions: list[Any] = [innermost, getattr(type(innermost), "__call__", None)]  # noqa: B004 - of the class
    return any(isgeneratorfunction(each) or isasyncgenfunction(each) for each in functions)
