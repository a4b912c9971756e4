"""The ASGI door: middleware that authenticates connections, and applications that serve authmw's own documents."""

from authmw.asgi.middleware import ASGIApp, AuthMiddleware

__all__ = ["ASGIApp", "AuthMiddleware"]
