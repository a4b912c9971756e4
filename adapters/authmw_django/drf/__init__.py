"""authmw in Django REST framework: the authentication class, and the permission that decorators declare."""

from typing import TYPE_CHECKING

try:
    import rest_framework as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'authmw_django.drf needs Django REST framework: pip install "djangorestframework"'
    ) from _error

from authmw.errors import face
from authmw_django.drf.authentication import PrincipalAuthentication
from authmw_django.drf.permissions import DeclaredPermission

__all__ = [
    "DeclaredPermission",
    "PrincipalAuthentication",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
