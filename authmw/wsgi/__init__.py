"""The WSGI door: middleware that authenticates requests, and the mount that serves authmw's own documents."""

from authmw.http.response import StartResponse, WSGIApp
from authmw.wsgi.middleware import AuthMiddleware
from authmw.wsgi.mount import Mount

__all__ = ["AuthMiddleware", "Mount", "StartResponse", "WSGIApp"]
