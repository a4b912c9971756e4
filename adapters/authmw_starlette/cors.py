"""Starlette's own layer for CORS, which answers preflights itself and passes none of them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_FRAMEWORKS: Final = ("starlette.", "fastapi.")


def next_cors_middleware(app: ASGIApp) -> CORSMiddleware | None:
    """The ``CORSMiddleware`` that gets each request next, with no other layer of the application before it.

    A subclass may do anything, so it is not taken for one.

    Args:
        app: what the guard calls: a layer, or an application whose first layer is meant.
    """
    layer: Any = app
    if isinstance(app, Starlette):
        first: Any = app.user_middleware[0].cls if app.user_middleware else None
        if first is not CORSMiddleware or not _builds_as_usual(app):
            return None
        if app.middleware_stack is None:
            app.middleware_stack = app.build_middleware_stack()
        layer = app.middleware_stack
        while type(layer) is not CORSMiddleware and hasattr(layer, "app"):  # the layers of the framework itself
            layer = layer.app
    return layer if type(layer) is CORSMiddleware else None


def _builds_as_usual(app: Starlette) -> bool:
    parts = (type(app).__call__, type(app).build_middleware_stack)
    return all(str(getattr(part, "__module__", "")).startswith(_FRAMEWORKS) for part in parts)
