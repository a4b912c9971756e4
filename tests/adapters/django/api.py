"""Views of Django REST framework: functions, classes, viewsets and actions, with declarations and permissions."""

from __future__ import annotations

from typing import Any

from authmw_django.drf import DeclaredPermission, PrincipalAuthentication
from django.urls import include, path
from rest_framework.decorators import action, api_view
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from authmw import current_principal, public, requires_scopes


def said(request: Request) -> Response:
    """What a view sees of its caller."""
    principal: Any = request.auth
    return Response(
        {
            "user": request.user.get_username(),
            "auth": None if principal is None else principal.id,
            "current": current_principal().id,
        }
    )


class Api(APIView):
    authentication_classes = (PrincipalAuthentication,)
    permission_classes: Any = (DeclaredPermission,)


class Orders(Api):
    @requires_scopes("orders:read")
    def get(self, request: Request) -> Response:
        return said(request)

    @requires_scopes("orders:write")
    def post(self, request: Request) -> Response:
        return said(request)

    def delete(self, request: Request) -> Response:
        return said(request)


@requires_scopes("orders:write")
class Whole(Api):
    def get(self, request: Request) -> Response:
        return said(request)


@api_view(["GET", "POST"])
@requires_scopes("orders:read")
def function(request: Request) -> Response:
    return said(request)


@requires_scopes("orders:read")
@api_view(["GET"])
def function_above(request: Request) -> Response:
    return said(request)


@api_view(["GET"])
@public
def open_function(request: Request) -> Response:
    return said(request)


class Window(Api):
    """Public for authmw, closed for Django REST framework."""

    permission_classes = (IsAuthenticated,)

    @public
    def get(self, request: Request) -> Response:
        return said(request)


class Staff(Api):
    permission_classes = (IsAdminUser,)

    def get(self, request: Request) -> Response:
        return said(request)


class Inline(Api):
    def get(self, request: Request) -> Response:
        principal: Any = request.auth
        principal.require("orders:write")
        return said(request)


class OrderSet(ViewSet):
    authentication_classes = (PrincipalAuthentication,)
    permission_classes: Any = (DeclaredPermission,)

    @requires_scopes("orders:read")
    def list(self, request: Request) -> Response:
        return said(request)

    @requires_scopes("orders:write")
    def create(self, request: Request) -> Response:
        return said(request)

    def retrieve(self, request: Request, pk: str) -> Response:
        return said(request)

    @action(detail=True, methods=["post"])
    @requires_scopes("orders:write")
    def cancel(self, request: Request, pk: str) -> Response:
        return said(request)

    @requires_scopes("orders:write")
    @action(detail=True, methods=["post"])
    def ship(self, request: Request, pk: str) -> Response:
        return said(request)

    @public
    @action(detail=False)
    def count(self, request: Request) -> Response:
        return said(request)


router = SimpleRouter()
router.register("set", OrderSet, basename="order")

urlpatterns = [
    path("orders", Orders.as_view()),
    path("whole", Whole.as_view()),
    path("function", function),
    path("function-above", function_above),
    path("open-function", open_function),
    path("window", Window.as_view()),
    path("staff", Staff.as_view()),
    path("inline", Inline.as_view()),
    path("", include(router.urls)),
]
