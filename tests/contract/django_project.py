"""Django projects as the contract asks them. The settings of a project hold only while it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authmw import Auth, requires, requires_scopes
from tests.adapters.django.site import configure, configured, handler
from tests.contract.apps import CONTENT_TYPE, PUBLIC, SCOPES, greeting, is_alice
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.contract.engine import make_auth


def asker(kind: str, authmw: dict[str, Any], urls: tuple[Any, ...]) -> Callable[[Case], Answer]:
    """Asks a project with these settings and views, under ``wsgi`` or ``asgi``."""
    layers = ["authmw_django.AuthMiddleware"]
    project: dict[str, Any] = {"ROOT_URLCONF": urls, "MIDDLEWARE": layers, "AUTHMW": authmw}
    with configured(**project):
        app = handler(kind)

    def ask(case: Case) -> Answer:
        with configured(**project):
            return ask_wsgi(app, case) if kind == "wsgi" else ask_asgi(app, case)

    return ask


def ask_service(kind: str, auth: Auth | None = None) -> Callable[[Case], Answer]:
    """Asks the service of `tests.contract.apps` as a Django project."""
    configure()
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def greet(request: HttpRequest) -> HttpResponse:
        return HttpResponse(greeting(), content_type=CONTENT_TYPE)

    @requires_scopes(*SCOPES)
    def orders(request: HttpRequest) -> HttpResponse:
        return greet(request)

    @requires(is_alice)
    def mine(request: HttpRequest) -> HttpResponse:
        return greet(request)

    open_to_callers = [path(each, greet) for each in ("me", "health", "docs/intro")]
    urls = (path("orders", orders), path("mine", mine), *open_to_callers)
    return asker(kind, {"auth": auth or make_auth(), "public": PUBLIC}, urls)
