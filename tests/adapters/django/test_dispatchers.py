"""What is called is what was decided: a method that is replaced on the way, and dispatchers of a class of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from authmw_django import AuthMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.adapters.django.asking import KINDS, ask
from tests.adapters.django.site import LAYERS, configured, handler

every_kind = pytest.mark.parametrize("kind", KINDS)
HERE = "tests.adapters.django.test_dispatchers"
DELETES: dict[str, Any] = {"x_method": "DELETE"}


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


def secret(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


class Layer:
    """A layer of the project. What it does with a view is done after the guard has decided."""

    def __init__(self, get_response: Any) -> None:
        self._get_response: Any = get_response

    def __call__(self, request: Any) -> Any:
        return self._get_response(request)


class ReplacesMethod(Layer):
    """As packages do that let forms send DELETE."""

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        """Take the method that a header names."""
        request.method = request.META["REQUEST_METHOD"] = request.headers.get("X-Method", request.method)


class ReplacesPath(Layer):
    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        """Take the path that a header names."""
        request.path = request.path_info = request.headers.get("X-Path", request.path_info)


class AnswersItself(Layer):
    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> Any:
        """Answer in the place of the view."""
        status = request.headers.get("X-Status")
        return secret(request) if status == "200" else HttpResponse("no", status=int(status)) if status else None


def view_of(name: str) -> Any:
    """A view of `classes`. Django has to be configured before they are made."""
    from tests.adapters.django.classes import CLASSES

    return CLASSES[name]


def with_layers(*layers: str, **authmw: Any) -> Any:
    """The project with those layers of this module."""
    names = [f"{HERE}.{each}" if each[0].isupper() else f"tests.adapters.django.test_guard.{each}" for each in layers]
    urls: Any = (path("items", view_of("of Django")), path("plain", view_of("undeclared")), path("secret", secret))
    return configured(ROOT_URLCONF=urls, MIDDLEWARE=[*LAYERS[:1], *names], authmw=authmw)


@every_kind
@pytest.mark.parametrize("inside", [(), ("sync_only",), ("async_only",), ("async_only", "sync_only")])
@pytest.mark.parametrize(
    "target, authmw",
    [("/items", {}), ("/plain", {"public": ["GET /plain", "POST /plain"]}), ("/items", {"public": ["GET /items"]})],
)
def test_a_method_that_is_replaced_behind_the_guard_is_decided_again(
    kind: str, inside: tuple[str, ...], target: str, authmw: dict[str, Any]
) -> None:
    with with_layers("ReplacesMethod", *inside, **authmw):
        app = handler(kind)
        assert ask(kind, target, app=app).body == b"read"
        assert ask(kind, target, app=app, **DELETES).status == 401
        assert ask(kind, target, "t0ken", app=app, **DELETES).body == b"deleted"


@every_kind
@pytest.mark.parametrize("token, status", [("", 401), ("t0ken", 403), ("reader", 403), ("writer", 200)])
def test_a_caller_needs_what_the_method_needs_that_is_called(kind: str, token: str, status: int) -> None:
    with with_layers("ReplacesMethod", needs={"DELETE /plain": "orders:write"}):
        assert ask(kind, "/items", token, x_method="PUT").status == status
        assert ask(kind, "/plain", token, **DELETES).status == status


@every_kind
def test_a_path_that_is_replaced_behind_the_guard_is_decided_again(kind: str) -> None:
    with with_layers("ReplacesPath", public=["/plain", "/items"]):
        assert ask(kind, "/plain", x_path="/items").status == 200
        assert ask(kind, "/plain", x_path="/secret").status == 401


@every_kind
def test_what_answers_in_the_place_of_a_public_view_may_refuse_a_stranger_and_serve_nothing(kind: str) -> None:
    with with_layers("AnswersItself", public=["/plain"]):
        assert [ask(kind, "/items", x_status=each).status for each in ("200", "302", "429")] == [401, 302, 429]
        assert ask(kind, "/items", "t0ken", x_status="200").body == b"secret"
        assert ask(kind, "/plain", x_status="200").body == b"secret"  # its path is public, whatever answers there


def test_what_no_handler_of_django_has_made_reaches_no_public_view() -> None:
    from django.test import RequestFactory

    with with_layers():
        guard: Any = AuthMiddleware(secret)
        request = RequestFactory().get("/items")
        assert guard(request).status_code == 401


CLOSING = {
    "of Django": "",
    "below: dispatch": "OwnDispatch.dispatch",
    "below: setup": "OwnSetup.setup",
    "below: answers itself": "AnswersAll.dispatch",
    "below, inherited": "AnswersAll.dispatch",
    "above": "Override.dispatch",
    "beside": "Override.dispatch",
    "of the same class": "Together.dispatch",
    "above, nothing to open": "",
    "nothing else": "",
    "decorated": "",
    "of a public class": "",
    "REST: of the framework": "",
    "REST: initial": "OwnInitial.initial",
    "REST: initialize_request": "OwnRequest.initialize_request",
    "viewset: of the framework": "",
    "viewset: dispatch": "OwnSet.dispatch",
}
"""Class → the dispatcher that closes its public method."""
every_class = pytest.mark.parametrize("name, closing", CLOSING.items(), ids=CLOSING)


@every_kind
@every_class
def test_a_public_method_opens_its_class_only_where_the_dispatcher_opens_nothing_else(
    kind: str, name: str, closing: str
) -> None:
    with configured(ROOT_URLCONF=(path("it", view_of(name)),)):
        app = handler(kind)
        assert ask(kind, "/it", app=app).status == (401 if closing else 200)
        assert ask(kind, "/it", "t0ken", app=app).status == 200
        assert b"deleted" not in ask(kind, "/it", app=app, **DELETES).body
        assert ask(kind, "/it", app=app, method="DELETE").status == 401


@every_class
def test_a_public_method_that_a_dispatcher_closes_is_listed_as_closed_and_warned_of(name: str, closing: str) -> None:
    from authmw_django.checks import check_settings
    from authmw_django.listing import routes_of_project

    with configured(ROOT_URLCONF=(path("it", view_of(name), name="it"),)):
        (reads,) = [each for each in routes_of_project() if each.method == "GET"]
        assert reads.requirement.is_open is not bool(closing)
        said = f"a @public method of it needs a caller, since {closing} may call another method or answer itself"
        warned = [each.msg for each in check_settings() if each.id == "authmw.W003"]
        assert warned == ([said] if closing else [])


@every_kind
@every_class
def test_a_public_pattern_opens_no_method_that_a_dispatcher_may_call_instead(
    kind: str, name: str, closing: str
) -> None:
    with configured(ROOT_URLCONF=(path("it", view_of(name)),), authmw={"public": ["GET /it"]}):
        app = handler(kind)
        assert ask(kind, "/it", app=app).status == (401 if closing else 200)
        assert b"deleted" not in ask(kind, "/it", app=app, **DELETES).body
    with configured(ROOT_URLCONF=(path("it", view_of(name)),), authmw={"public": ["/it"]}):
        assert ask(kind, "/it").status == 200
