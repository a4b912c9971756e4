"""The ASGI interface: the middleware, the mount that serves authmw's own documents, and MCP."""

from typing import TYPE_CHECKING

from authmw.asgi.middleware import ASGIApp, AuthMiddleware
from authmw.asgi.mount import Mount
from authmw.errors import face
from authmw.http.request import ASGIRequest, Receive, Scope, Send

if TYPE_CHECKING:
    from authmw.asgi.mcp import protect_mcp

__all__ = [
    "ASGIApp",
    "ASGIRequest",
    "AuthMiddleware",
    "Mount",
    "Receive",
    "Scope",
    "Send",
    "protect_mcp",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, {"asgi.mcp": "protect_mcp"})
