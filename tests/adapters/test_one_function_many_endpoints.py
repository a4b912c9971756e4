"""One function under many endpoints: what each needs, what the list of routes says and what documents say is one.

Functions are wrapped at random, by decorators of authmw and by others, and each wrapper is registered as soon as it is
made. What each endpoint then needs is told by `tests.adapters.wrapped`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_fastapi.openapi import openapi_document as fastapi_document
from authmw_flask import FlaskAuth
from authmw_flask import openapi_document as flask_document
from authmw_flask.listing import routes_of as flask_routes
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from authmw_starlette.listing import routes_of as starlette_routes
from authmw_starlette.openapi import openapi_document as starlette_document
from fastapi import FastAPI
from flask import Flask
from flask.views import View
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from authmw import Auth, ConfigurationError, HTTPBearer, Requirement
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.declarations import requirement_of
from authmw.engine.routes.route import Protection, Route
from authmw.identity.requirement import Access
from authmw.openapi import Operation, document
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.adapters.wrapped import LAYERS, NAMED, PEOPLE, Layer, Needs, Wrapping, is_alice, wrappings
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.support import examples

EXAMPLES: Final = 25
AUTH: Final = Auth(HTTPBearer(PEOPLE.get))
TOKENS: Final = (None, *PEOPLE)


class Served(ABC):
    """Endpoints of one framework, at ``/0``, ``/1`` and so on. They are one function and its wrappers."""

    app: Any

    def __init__(self) -> None:
        self.kept: list[Any] = []

    @abstractmethod
    def bare(self) -> Any:
        """A new function, as the framework calls it."""

    @abstractmethod
    def register(self, number: int, endpoint: Any) -> None:
        """Serve `endpoint` at the path of that number."""

    @abstractmethod
    def guard(self) -> None:
        """Guard the application, once everything is registered."""

    @abstractmethod
    def ask(self, number: int, token: str | None) -> int:
        """The status of one request."""

    @abstractmethod
    def routes(self) -> list[Route]:
        """The list of routes."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""


def case_of(number: int, token: str | None) -> Case:
    headers = () if token is None else ((b"Authorization", f"Bearer {token}".encode()),)
    return Case("it", Answer(200), headers, f"/{number}")


class InFlask(Served):
    is_async = False

    def __init__(self) -> None:
        super().__init__()
        self.app = Flask("shop", static_folder=None)

    def bare(self) -> Any:
        async def async_view() -> str:
            return "seen"

        return async_view if self.is_async else lambda: "seen"

    def register(self, number: int, endpoint: Any) -> None:
        self.app.add_url_rule(f"/{number}", str(number), endpoint)

    def guard(self) -> None:
        FlaskAuth(self.app, AUTH)

    def ask(self, number: int, token: str | None) -> int:
        return ask_wsgi(self.app.wsgi_app, case_of(number, token)).status

    def routes(self) -> list[Route]:
        return flask_routes(self.app)

    def document(self) -> dict[str, Any]:
        return flask_document(self.app, title="Shop")


class InFlaskAsync(InFlask):
    is_async = True


class InFlaskAsClass(InFlask):
    def bare(self) -> Any:
        class Seen(View):
            def dispatch_request(self) -> str:
                return "seen"

        return Seen.as_view("seen")


class InStarlette(Served):
    def __init__(self) -> None:
        super().__init__()
        self.app = Starlette()

    def bare(self) -> Any:
        async def endpoint(request: Request) -> Response:
            return PlainTextResponse("seen")

        return endpoint

    def register(self, number: int, endpoint: Any) -> None:
        self.app.add_route(f"/{number}", endpoint, ["GET"])

    def guard(self) -> None:
        self.app.add_middleware(StarletteMiddleware, auth=AUTH)

    def ask(self, number: int, token: str | None) -> int:
        return ask_asgi(self.app, case_of(number, token)).status

    def routes(self) -> list[Route]:
        return starlette_routes(self.app)

    def document(self) -> dict[str, Any]:
        return starlette_document(self.app, title="Shop")


class InStarletteSync(InStarlette):
    def bare(self) -> Any:
        def endpoint(request: Request) -> Response:
            return PlainTextResponse("seen")

        return endpoint


class InFastAPI(InStarlette):
    def __init__(self) -> None:
        super().__init__()
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def bare(self) -> Any:
        async def endpoint() -> str:
            return "seen"

        return endpoint

    def register(self, number: int, endpoint: Any) -> None:
        self.app.add_api_route(f"/{number}", endpoint, name=str(number))

    def guard(self) -> None:
        FastAPIAuth(self.app, AUTH)

    def document(self) -> dict[str, Any]:
        return fastapi_document(self.app)


class InFastAPISync(InFastAPI):
    def bare(self) -> Any:
        def endpoint() -> str:
            return "seen"

        return endpoint


class InWSGI(Served):
    """Each of them an application."""

    def bare(self) -> Any:
        def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"seen"]

        return app

    def register(self, number: int, endpoint: Any) -> None:
        self.kept.append((number, endpoint))

    def guard(self) -> None:
        self.app = {number: WSGIMiddleware(endpoint, AUTH) for number, endpoint in self.kept}

    def ask(self, number: int, token: str | None) -> int:
        return ask_wsgi(self.app[number], case_of(number, token)).status

    def routes(self) -> list[Route]:
        return []

    def document(self) -> dict[str, Any]:
        operations = [
            Operation(path=f"/{number}", method="GET", requirement=requirement_of(endpoint))
            for number, endpoint in self.kept
        ]
        return document(AUTH, operations, title="Shop")


class InASGI(InWSGI):
    def bare(self) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"seen"})

        return app

    def guard(self) -> None:
        self.app = {number: ASGIMiddleware(endpoint, AUTH) for number, endpoint in self.kept}

    def ask(self, number: int, token: str | None) -> int:
        return ask_asgi(self.app[number], case_of(number, token)).status


CHECKED_BEFORE_THE_VIEW: Final = (InFlask, InFlaskAsync, InFlaskAsClass)
"""Where a check reads what is registered, before the view is called."""
CALLED_ALONE: Final = (InStarlette, InStarletteSync, InFastAPI, InFastAPISync, InWSGI, InASGI)
"""Where nothing asks but what is registered itself."""


def made(wrapping: Wrapping, served: Served) -> list[Any]:
    """The function and its wrappers, each registered as soon as it is made."""
    found = [served.bare()]
    served.register(0, found[0])
    for number, (below, layer) in enumerate(wrapping.made, 1):
        found.append(layer.wrap(found[below]))
        served.register(number, found[number])
    return found


def admitted_by(security: Sequence[dict[str, list[str]]], token: str | None) -> bool:
    """Whether the document of an operation says that `token` is let in. Of predicates it says nothing."""
    if not security or {} in security:
        return True
    return token is not None and any(PEOPLE[token].scopes.issuperset(each["HTTPBearer"]) for each in security)


def said(requirement: Requirement) -> Needs:
    """What the list says, in the words of `tests.adapters.wrapped`."""
    return Needs(
        requirement.public,
        requirement.access is Access.OPTIONAL,
        frozenset(requirement.scopes),
        frozenset(frozenset(group.scopes) for group in requirement.alternatives),
        is_alice in requirement.predicates,
    )


def assert_all_agree(wrapping: Wrapping, served: Served, numbers: Sequence[int]) -> None:
    """What is enforced, listed and documented for each of those endpoints is what it needs."""
    paths = served.document()["paths"]
    listed = {route.path: route for route in served.routes() if route.method == "GET"}
    for number in numbers:
        declared = wrapping.needs(number)
        needs = declared or Needs()
        statuses = {token: served.ask(number, token) for token in TOKENS}
        assert statuses == {token: needs.admits(token) for token in TOKENS}, (number, wrapping)
        security = paths[f"/{number}"]["get"]["security"]
        for token in TOKENS:
            expected = Needs(needs.open, needs.optional, needs.scopes, needs.groups).admits(token) == 200
            assert admitted_by(security, token) is expected, (number, token, wrapping, security)
        assert ({} in security) is needs.optional
        if listed:
            route = listed[f"/{number}"]
            assert said(route.requirement) == needs, (number, wrapping)
            assert route.protection is _protection(declared), (number, wrapping)


def _protection(declared: Needs | None) -> Protection:
    if declared is None:
        return Protection.DEFAULT
    return Protection.PUBLIC if declared.open else Protection.DECLARED


OPENED_TWICE: Final = Wrapping(((0, NAMED["optional"]), (0, NAMED["foreign"]), (2, NAMED["public"])))
"""What copies the attributes of a function, and is opened in another way than it."""


@pytest.mark.parametrize("framework", CHECKED_BEFORE_THE_VIEW)
@given(wrapping=wrappings())
@example(wrapping=OPENED_TWICE)
@settings(max_examples=examples(EXAMPLES))
def test_each_endpoint_needs_what_it_registered_and_what_was_declared_above_that(
    framework: type[Served], wrapping: Wrapping
) -> None:
    served = framework()
    made(wrapping, served)
    served.guard()
    assert_all_agree(wrapping, served, range(len(wrapping.made) + 1))


@pytest.mark.parametrize("framework", CALLED_ALONE)
@given(wrapping=wrappings())
@settings(max_examples=examples(EXAMPLES))
def test_an_endpoint_that_would_ask_for_less_is_refused_and_each_other_needs_what_it_registered(
    framework: type[Served], wrapping: Wrapping
) -> None:
    served = framework()
    endpoints = made(wrapping, served)
    numbers = range(len(endpoints))
    misplaced = [number for number in numbers if wrapping.is_misplaced(number)]
    event(f"misplaced: {len(misplaced)}")
    if misplaced:
        with pytest.raises(ConfigurationError, match="without its"):
            _start(served)
        for route in served.routes():
            number = int(route.path[1:])
            assert (route.protection is Protection.MISPLACED) is (number in misplaced), (number, wrapping)
            if number in misplaced:
                assert said(route.requirement) == wrapping.needs(number)
    rest = [number for number in numbers if number not in misplaced]
    served = framework()
    for number in rest:
        served.register(number, endpoints[number])
    served.guard()
    assert_all_agree(wrapping, served, rest)


def _start(served: Served) -> None:
    served.guard()
    served.ask(0, "abc")


@given(wrapping=wrappings(), number=st.integers(0, 7), layer=st.sampled_from(LAYERS))
def test_a_wrapper_that_contradicts_what_it_wraps_is_refused(wrapping: Wrapping, number: int, layer: Layer) -> None:
    number %= len(wrapping.made) + 1
    target = made(wrapping, InFlask())[number]
    if not wrapping.contradicts(number, layer):
        layer.wrap(target)
        return
    with pytest.raises(ConfigurationError, match="remove one of the two"):
        layer.wrap(target)
