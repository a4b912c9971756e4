"""The views of the Django application, and the middleware that adds a header."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from authmw import requires_scopes
from tests.frameworks.apps import LAYER, Own, answer, answer_later


def _response(own: Own) -> HttpResponse:
    return HttpResponse(own.body, status=own.status, headers=own.headers, content_type="text/plain")


def view(request: HttpRequest, what: str, by: str) -> HttpResponse:
    return _response(answer(what, by))


async def view_later(request: HttpRequest, what: str, by: str) -> HttpResponse:
    return _response(await answer_later(what, by))


@requires_scopes("admin")
def decorated(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


@sync_and_async_middleware
def layer(get_response: Any) -> Any:
    def add(response: Any) -> Any:
        response[LAYER[0]] = LAYER[1]
        return response

    if iscoroutinefunction(get_response):  # pyright: ignore[reportDeprecated] - asyncio's only on Python 3.11

        async def in_async(request: HttpRequest) -> Any:
            return add(await get_response(request))

        return in_async

    def in_sync(request: HttpRequest) -> Any:
        return add(get_response(request))

    return in_sync


urlpatterns = [
    path("decorated", decorated),
    path("<str:what>/<str:by>", view),
    path("later/<str:what>/<str:by>", view_later),
]
