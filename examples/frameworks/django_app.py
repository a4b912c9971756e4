"""The WSGI middleware around a Django project. Its ASGI handler is wrapped by `authmw.asgi` in the same way."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from authmw import APIKeyHeader, ApiKeyVerifier, Auth, requires_scopes
from authmw.stores import MemoryApiKeys
from authmw.wsgi import AuthMiddleware, WSGIApp


@requires_scopes("orders:read")
def orders(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"id": request.META["authmw.principal"].id})


urlpatterns = [path("orders", orders)]


def create_app(keys: MemoryApiKeys) -> WSGIApp:
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["127.0.0.1", "localhost"],
            MIDDLEWARE=["authmw_django.RefusalMiddleware"],
        )
    return AuthMiddleware(
        get_wsgi_application(), Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"]
    )


if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    store = MemoryApiKeys()
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), create_app(store)) as server:
        print(f"Running on http://127.0.0.1:{server.server_port}")
        print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
        server.serve_forever()
