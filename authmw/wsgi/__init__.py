"""The WSGI door: middleware that authenticates requests, and applications that serve authmw's own documents."""

from authmw.http.response import StartResponse, WSGIApp
from authmw.wsgi.middleware import AuthMiddleware

__all__ = ["AuthMiddleware", "StartResponse", "WSGIApp"]
