"""Templates of Starlette and FastAPI know the caller, and so do endpoints that ask for one or for None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from authmw_fastapi import FastAPIAuth, OptionalUser, PrincipalOrNone
from authmw_starlette import AuthMiddleware, current_user_async, public, template_context
from fastapi import FastAPI
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient

from authmw import Auth, HTTPBearer, Principal

PAGE = (
    "{{ current_user.is_authenticated }} {{ current_user.is_anonymous }} {{ current_user.get_id() }} "
    "{{ current_user.email }} {{ current_user.display_name }}"
)
TEMPLATES = Jinja2Templates(env=Environment(loader=DictLoader({"page": PAGE})), context_processors=[template_context])


@dataclass
class Account:
    """A user object."""

    id: int
    email: str = "alice@shop.example"


PEOPLE = {"alice": Principal("alice", name="Alice"), "gone": Principal("gone")}


def load(principal: Principal) -> Account | None:
    """Loads on a thread."""
    return Account(7) if principal.id == "alice" else None


async def load_async(principal: Principal) -> Account | None:
    """Loads on the event loop."""
    return load(principal)


def on_a_thread(request: Request) -> Response:
    """A view whose template may load."""
    return TEMPLATES.TemplateResponse(request, "page")


async def on_the_loop(request: Request) -> Response:
    """A view whose template may not wait."""
    return TEMPLATES.TemplateResponse(request, "page")


async def loaded_before(request: Request) -> Response:
    """A view that has loaded the user."""
    await current_user_async(Account)
    return TEMPLATES.TemplateResponse(request, "page")


async def user(request: Request) -> Response:
    """What Starlette knows by itself."""
    return PlainTextResponse(f"{request.user.is_authenticated} {request.user.display_name}")


def ask(load_user: Any, view: Callable[..., Any], token: str = "") -> str:
    """The text of the page for the caller with that token."""
    app = Starlette(routes=[Route("/", public(view))])
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(PEOPLE.get), load_user=load_user))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = TestClient(app).get("/", headers=headers)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("load_user", [None, load, load_async])
@pytest.mark.parametrize("view", [on_a_thread, on_the_loop])
def test_a_template_raises_nothing_without_a_caller(load_user: Any, view: Any) -> None:
    assert ask(load_user, view) == "False True None  "


@pytest.mark.parametrize(
    "load_user, view, expected",
    [
        (None, on_a_thread, "True False alice  Alice"),
        (None, on_the_loop, "True False alice  Alice"),
        (load, on_a_thread, "True False alice alice@shop.example Alice"),
        (load, on_the_loop, "True False alice  Alice"),
        (load, loaded_before, "True False alice alice@shop.example Alice"),
        (load_async, on_a_thread, "True False alice  Alice"),
        (load_async, loaded_before, "True False alice alice@shop.example Alice"),
    ],
)
def test_a_template_knows_the_caller(load_user: Any, view: Any, expected: str) -> None:
    assert ask(load_user, view, "alice") == expected


def test_the_user_of_a_request_is_the_caller() -> None:
    assert ask(None, user) == "False "
    assert ask(None, user, "alice") == "True Alice"


def make_fastapi(load_user: Any = load) -> TestClient:
    """An application whose endpoints ask for a caller or None."""
    app = FastAPI()

    @app.get("/principal")
    async def principal(caller: PrincipalOrNone) -> str:
        return "nobody" if caller is None else caller.id

    @app.get("/account")
    async def account(account: OptionalUser[Account]) -> str:
        return "nobody" if account is None else account.email

    @app.get("/closed")
    async def closed() -> str:
        return "closed"

    FastAPIAuth(app, Auth(HTTPBearer(PEOPLE.get), load_user=load_user))
    return TestClient(app)


@pytest.mark.parametrize("load_user", [load, load_async])
def test_an_endpoint_may_ask_for_a_caller_or_none(load_user: Any) -> None:
    client = make_fastapi(load_user)
    alice = {"Authorization": "Bearer alice"}
    assert client.get("/principal").json() == "nobody"
    assert client.get("/principal", headers=alice).json() == "alice"
    assert client.get("/account").json() == "nobody"
    assert client.get("/account", headers=alice).json() == "alice@shop.example"
    assert client.get("/closed").status_code == 401


def test_bad_credentials_and_a_user_who_is_gone_are_refused_there_too() -> None:
    client = make_fastapi()
    for path in ("/principal", "/account"):
        assert client.get(path, headers={"Authorization": "Bearer bob"}).status_code == 401
    assert client.get("/account", headers={"Authorization": "Bearer gone"}).status_code == 401


def test_the_document_says_that_credentials_are_optional() -> None:
    app: Any = make_fastapi().app
    paths = app.openapi()["paths"]
    for path in ("/principal", "/account"):
        assert paths[path]["get"]["security"] == [{"HTTPBearer": []}, {}]
