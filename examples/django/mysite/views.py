"""Views, sync and async, and a viewset of Django REST framework."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from authmw import current_principal, requires_scopes


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@requires_scopes("orders:read")
def orders(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": request.user.get_username()})


@requires_scopes("orders:read")
async def orders_later(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": current_principal().id})


class OrderSet(ViewSet):
    @requires_scopes("orders:read")
    def list(self, request: Request) -> Response:
        return Response([{"number": 7, "for": request.user.get_username()}])

    @requires_scopes("orders:write")
    def create(self, request: Request) -> Response:
        return Response({"number": 8, "for": request.user.get_username()}, status=201)
