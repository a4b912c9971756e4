"""The WSGI door: middleware that authenticates requests, and applications that serve authmw's own documents."""

from authmw.wsgi.middleware import AuthMiddleware, StartResponse, WSGIApp

__all__ = ["AuthMiddleware", "StartResponse", "WSGIApp"]
