"""The ASGI door: middleware that authenticates connections, and the mount that serves authmw's own documents."""

from authmw.asgi.middleware import ASGIApp, AuthMiddleware
from authmw.asgi.mount import Mount

__all__ = ["ASGIApp", "AuthMiddleware", "Mount"]
