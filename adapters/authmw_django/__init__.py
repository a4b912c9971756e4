"""authmw for Django: middleware that guards a project and its URL conf, with users of Django and decorators of views.

Views declare what they need::

    MIDDLEWARE = ["authmw_django.AuthMiddleware", ...]
    AUTHMW = {"auth": "mysite.auth.auth", "public": ["/health"]}
"""

from typing import TYPE_CHECKING

try:
    import django as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_django needs Django: pip install "authmw[django]"') from _error

from authmw import any_of, authenticated, optionally_authenticated, public, requires, requires_scopes
from authmw.errors import face
from authmw_django.middleware import AuthMiddleware
from authmw_django.refusing import RefusalMiddleware
from authmw_django.users import PrincipalUser, UsernameBackend
from authmw_django.websockets import WebsocketMiddleware

__all__ = [
    "AuthMiddleware",
    "PrincipalUser",
    "RefusalMiddleware",
    "UsernameBackend",
    "WebsocketMiddleware",
    "any_of",
    "authenticated",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
