"""Permission class of Django REST framework that answers what the decorators of a view declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

from authmw.engine.context import call_here
from authmw.http.refusal import ALLOWED
from authmw.identity.requirement import AUTHENTICATED
from authmw_django.urlconf import ViewTable

if TYPE_CHECKING:
    from rest_framework.request import Request

_TABLE = ViewTable()


class DeclaredPermission(BasePermission):
    """Whether the caller may call a view with a method, as ``@requires_scopes`` and its family declare it.

    `AuthMiddleware` enforces declarations in front of the view already. With this class, what Django REST framework
    asks by itself has the same answer: the forms of its browsable API, and the actions in its answer to OPTIONS.
    Permission classes of Django REST framework can be combined with it by ``&``.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller meets what is declared; where nothing is, whether it is authenticated."""
        call = call_here()
        match = request.resolver_match
        if call is None or match is None or request.method is None:
            return False
        needed = _TABLE.requirement(match.func, request.method) or AUTHENTICATED
        return call.auth.decide(call.authentication, needed, call.request) is ALLOWED
