"""The WSGI interface: the middleware, and the mount that serves authmw's own documents."""

from typing import TYPE_CHECKING

from authmw.errors import face
from authmw.http.request import WSGIRequest
from authmw.http.response import WSGIApp
from authmw.wsgi.middleware import AuthMiddleware
from authmw.wsgi.mount import Mount

__all__ = [
    "AuthMiddleware",
    "Mount",
    "WSGIApp",
    "WSGIRequest",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
