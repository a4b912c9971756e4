"""Authentication class of Django REST framework that reads the principal of `AuthMiddleware`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication

from authmw.engine.context import call_here
from authmw.http.refusal import Refusal
from authmw.identity.requirement import AUTHENTICATED

if TYPE_CHECKING:
    from rest_framework.request import Request

    from authmw.identity.principal import Principal


class PrincipalAuthentication(BaseAuthentication):
    """The caller that `AuthMiddleware` has authenticated. Nothing is verified here.

    ``request.user`` is the same as outside of Django REST framework, and ``request.auth`` is the principal::

        REST_FRAMEWORK = {
            "DEFAULT_AUTHENTICATION_CLASSES": ["authmw_django.drf.PrincipalAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        }

    A permission class that wants an authenticated caller makes the 401 of authmw, with all challenges, and not one of
    Django REST framework.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """The user and the principal; None for an anonymous caller."""
        outer: Any = request._request
        principal: Principal | None = getattr(outer, "principal", None)
        if principal is None or not principal.is_authenticated:
            return None
        return outer.user, principal

    def authenticate_header(self, request: Request) -> str:
        """The challenges, for the 401 that Django REST framework is about to make.

        Raises:
            AccessRefused: always, if `AuthMiddleware` is there: it carries the whole response of authmw.
        """
        call = call_here()
        if call is None:
            return "Bearer"
        decision = call.auth.decide(call.authentication, AUTHENTICATED, call.request)
        if isinstance(decision, Refusal):
            raise call.refuse(decision)
        return ", ".join(
            str(challenge) for scheme in call.auth.schemes for challenge in scheme.challenges(call.auth.realm)
        )
