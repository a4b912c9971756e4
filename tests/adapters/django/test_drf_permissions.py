"""Without `DeclaredPermission`, the middleware enforces what views of Django REST framework declare."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from authmw import requires_scopes
from tests.adapters.django.asking import KINDS, ask
from tests.adapters.django.site import configure, configured


def _urls() -> Any:
    """Views that no permission class of authmw protects."""
    configure()
    from django.urls import path
    from rest_framework.decorators import api_view, authentication_classes, permission_classes
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Orders(APIView):
        authentication_classes: Any = ()
        permission_classes: Any = ()

        @requires_scopes("orders:read")
        def get(self, request: Request) -> Response:
            return Response("served")

        @requires_scopes("orders:write")
        def post(self, request: Request) -> Response:
            return Response("served")

    @api_view(["GET"])
    @authentication_classes(())
    @permission_classes(())
    @requires_scopes("orders:read")
    def function(request: Request) -> Response:
        return Response("served")

    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path("orders", Orders.as_view()), path("function", function)]
    return urls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "method, path, expected",
    [
        ("GET", "/orders", [401, 403, 200, 200]),
        ("POST", "/orders", [401, 403, 403, 200]),
        ("GET", "/function", [401, 403, 200, 200]),
    ],
)
def test_the_middleware_enforces_what_is_declared_without_the_class(
    kind: str, method: str, path: str, expected: list[int]
) -> None:
    with configured(ROOT_URLCONF=_urls()):
        assert [ask(kind, path, token, method=method).status for token in ("", "t0ken", "reader", "writer")] == expected
