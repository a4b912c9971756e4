"""A Django project gives the page of a 403 by its ``handler403`` or its template, for navigations only."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from authmw import APIKeyCookie, Auth, HTTPBearer, requires_scopes
from tests.adapters.django.site import configure, configured, handler
from tests.adapters.flask.shop import PEOPLE
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

configure()

BROWSER = ((b"Accept", b"text/html,application/xhtml+xml"),)
READER = ((b"Cookie", b"key=reader"),)
BEARER = 'Bearer realm="app"'


def own_page(request: Any, exception: Exception) -> Any:
    """A ``handler403``."""
    from django.http import HttpResponse

    response = HttpResponse("<h1>no</h1>", status=403)
    response.set_cookie("asked", "yes")
    response.set_cookie("twice", "yes")
    response["Cache-Control"] = "public"
    return response


def wrong_page(request: Any, exception: Exception) -> Any:
    """One that answers 200."""
    from django.http import HttpResponse

    return HttpResponse("welcome")


def failing_page(request: Any, exception: Exception) -> Any:
    """One that raises."""
    raise LookupError


def project(handler403: Any = None, templates: dict[str, str] | None = None) -> dict[str, Any]:
    """The settings of a project with that handler and those templates."""
    from django.http import HttpResponse
    from django.urls import path

    @requires_scopes("orders:write")
    def scoped(request: Any) -> HttpResponse:
        return HttpResponse("served")

    urls = ModuleType("urls")
    urls.urlpatterns = [path("scoped", scoped)]  # type: ignore[attr-defined]
    if handler403 is not None:
        urls.handler403 = handler403  # type: ignore[attr-defined]
    loaders = [("django.template.loaders.locmem.Loader", templates or {})]
    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": loaders}}
    auth = Auth(APIKeyCookie("key", PEOPLE.get) | HTTPBearer(PEOPLE.get))
    return {
        "ROOT_URLCONF": urls,
        "MIDDLEWARE": ["authmw_django.AuthMiddleware"],
        "TEMPLATES": [engine],
        "AUTHMW": {"auth": auth},
    }


def ask(kind: str, settings: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """One request of a reader, who may not write."""
    with configured(**settings):
        app = handler(kind)
        case = Case("", Answer(403), (*headers, *READER), "/scoped")
        return ask_wsgi(app, case) if kind == "wsgi" else ask_asgi(app, case)


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_the_handler_of_the_project_makes_the_page(kind: str) -> None:
    answer = ask(kind, project(own_page), BROWSER)
    assert (answer.status, answer.body, answer.cache_control) == (403, b"<h1>no</h1>", "no-store")
    assert {each.partition("=")[0].strip() for each in answer.cookies} == {"asked", "twice"}


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_its_template_does_too(kind: str) -> None:
    answer = ask(kind, project(templates={"403.html": "<h1>{{ exception }}</h1>"}), BROWSER)
    assert (answer.status, answer.body) == (403, b"<h1>The request requires higher privileges than provided.</h1>")


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize("made", [wrong_page, failing_page, None])
def test_without_a_page_the_refusal_is_sent(kind: str, made: Any) -> None:
    assert ask(kind, project(made), BROWSER) == ask(kind, project(), ())
    assert ask(kind, project(made), BROWSER).content_type == "application/problem+json"


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_nothing_but_a_navigation_gets_it(kind: str) -> None:
    for headers in ((), ((b"Sec-Fetch-Mode", b"cors"), *BROWSER)):
        assert ask(kind, project(own_page), headers) == ask(kind, project(), headers)
