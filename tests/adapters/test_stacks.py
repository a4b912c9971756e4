"""A rule that stands anywhere in a stack of decorators is enforced, or the start-up refuses the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from fastapi import FastAPI
from flask import Flask
from hypothesis import event, given, settings
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from tests.adapters.stacks import FOREIGN, OURS, Function, Kind, Stack, around_all_wrappers, cached, stacks
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.support import examples

TOKENS: Final = ("abc", "ab", "ac", "bc", "-")
AUTH: Final = Auth(HTTPBearer({token: Principal("alice", scopes=set(token) - {"-"}) for token in TOKENS}.get))


class Framework(NamedTuple):
    """A framework, and how it calls an endpoint.

    Args:
        serve: given a function that registers an endpoint with the decorator it gets, returns an application.
        ask: the status of a request to such an application.
        kind: of its endpoints.
        refuses: whether the start-up refuses what would not be enforced.
    """

    serve: Callable[[Callable[[Callable[[Function], object]], None]], Any]
    ask: Callable[[Any, Case], Any]
    kind: Kind
    refuses: bool = True


def flask(build: Callable[[Callable[[Function], object]], None]) -> Any:
    app = Flask("shop", static_folder=None)
    build(lambda view: app.add_url_rule("/", "seen", view))
    FlaskAuth(app, AUTH)
    return app.wsgi_app


def starlette(build: Callable[[Callable[[Function], object]], None]) -> Any:
    app = Starlette()
    build(lambda endpoint: app.add_route("/", endpoint, ["GET"], name="seen"))
    app.add_middleware(StarletteMiddleware, auth=AUTH)
    return app


def fastapi(build: Callable[[Callable[[Function], object]], None]) -> Any:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    build(lambda endpoint: app.add_api_route("/", endpoint, name="seen"))
    FastAPIAuth(app, AUTH)
    return app


FRAMEWORKS: Final = {
    "flask": Framework(flask, ask_wsgi, Kind(takes_request=False, is_async=False), refuses=False),
    "starlette": Framework(starlette, ask_asgi, Kind(takes_request=True, is_async=True)),
    "starlette sync": Framework(starlette, ask_asgi, Kind(takes_request=True, is_async=False)),
    "fastapi": Framework(fastapi, ask_asgi, Kind(takes_request=False, is_async=True)),
    "fastapi sync": Framework(fastapi, ask_asgi, Kind(takes_request=False, is_async=False)),
}


def view_of(kind: Kind) -> Function:
    """A new view."""
    if not kind.takes_request:
        return kind.calling(lambda: _say_async if kind.is_async else lambda: "seen")
    return kind.calling(lambda: _respond_async if kind.is_async else _respond)


async def _say_async() -> str:
    return "seen"


def _respond(request: object) -> PlainTextResponse:
    return PlainTextResponse("seen")


async def _respond_async(request: object) -> PlainTextResponse:
    return PlainTextResponse("seen")


def statuses(framework: Framework, stack: Stack) -> dict[str | None, int] | None:
    """The status for each token, the one with all scopes first, so that a cache is filled; None if it was refused."""
    view = view_of(framework.kind)
    try:
        app = framework.serve(lambda register: stack.apply(framework.kind, view, register))
        return {token: framework.ask(app, _case(token)).status for token in (*TOKENS, None)}
    except ConfigurationError as refused:
        if "without its enforcing wrapper" in str(refused):
            return None
        raise


def _case(token: str | None) -> Case:
    headers = () if token is None else ((b"Authorization", f"Bearer {token}".encode()),)
    return Case("it", Answer(200), headers, "/")


def expected(stack: Stack) -> dict[str | None, int]:
    return {**{token: 200 if stack.needs <= set(token) else 403 for token in TOKENS}, None: 401}


@pytest.mark.parametrize("name", FRAMEWORKS)
@given(stack=stacks())
@settings(max_examples=examples(60))
def test_a_rule_anywhere_in_a_stack_is_enforced_or_refused(name: str, stack: Stack) -> None:
    framework = FRAMEWORKS[name]
    found = statuses(framework, stack)
    event("refused" if found is None else "enforced")
    assert found in (None, expected(stack)), (found, stack)
    if not framework.refuses or _is_in_place(stack):
        assert found is not None, stack


def _is_in_place(stack: Stack) -> bool:
    """Whether all of it stands below the decorator that registers, and nothing in it answers without a call."""
    return stack.at == len(stack.layers) and not {around_all_wrappers, cached}.intersection(stack.layers)


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("below", FOREIGN)
def test_a_rule_next_to_a_decorator_of_any_style_is_enforced(name: str, below: Any) -> None:
    framework = FRAMEWORKS[name]
    for rule in OURS:
        stack = Stack((below, rule), at=2)
        assert statuses(framework, stack) == expected(stack), stack


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("between", FOREIGN)
def test_a_rule_above_a_decorator_of_any_style_above_the_route_is_enforced_or_refused(name: str, between: Any) -> None:
    framework = FRAMEWORKS[name]
    for rule in OURS:
        stack = Stack((between, rule), at=0)
        found = statuses(framework, stack)
        assert found == (None if framework.refuses else expected(stack)), (found, stack)
