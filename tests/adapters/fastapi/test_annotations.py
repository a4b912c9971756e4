"""Decorators leave the annotations of an endpoint as FastAPI reads them, also where these are strings.

FastAPI before 0.123 looks them up in the globals of what it calls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import pytest
from authmw_fastapi import CurrentPrincipal, FastAPIAuth
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from authmw import Auth, HTTPBearer, Principal, authenticated, optionally_authenticated, public, requires_scopes

HEADERS = {"Authorization": "Bearer t0ken"}


class Item(BaseModel):
    """A body, which only the annotation tells from a query parameter."""

    name: str


def page() -> int:
    return 3


async def write(item: Item, size: Annotated[int, Depends(page)], who: CurrentPrincipal) -> str:
    return f"{item.name} {size} {who.id}"


def write_sync(item: Item, size: Annotated[int, Depends(page)], who: CurrentPrincipal) -> str:
    return f"{item.name} {size} {who.id}"


class Shop:
    async def write(self, item: Item, size: Annotated[int, Depends(page)], who: CurrentPrincipal) -> str:
        return f"{item.name} {size} {who.id}"


async def write_with(prefix: str, item: Item, size: Annotated[int, Depends(page)], who: CurrentPrincipal) -> str:
    return f"{prefix}{item.name} {size} {who.id}"


ENDPOINTS: list[Callable[..., Any]] = [write, write_sync, Shop().write]
DECORATORS: list[Any] = [requires_scopes("items:write"), authenticated, public, optionally_authenticated]
PARTIAL: Any = partial(write_with, "")


@pytest.mark.parametrize(
    "decorate, endpoint",
    [
        *((decorate, endpoint) for decorate in DECORATORS for endpoint in ENDPOINTS),
        *((decorate, PARTIAL) for decorate in DECORATORS[:2]),  # FastAPI before 0.123 does not read a partial itself
    ],
)
def test_a_decorated_endpoint_reads_its_parameters_as_without(decorate: Any, endpoint: Callable[..., Any]) -> None:
    decorated = decorate(endpoint)
    assert decorated.__globals__ is globals()
    app = FastAPI()
    app.post("/items")(decorated)
    app.post("/twice")(authenticated(decorated) if decorate in DECORATORS[:2] else decorate(decorated))
    FastAPIAuth(app, Auth(HTTPBearer({"t0ken": Principal("alice", scopes={"items:write"})}.get)))
    with TestClient(app) as client:
        answers = [client.post(path, json={"name": "tea"}, headers=HEADERS) for path in ("/items", "/twice")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "tea 3 alice")] * 2


def test_a_decorated_dependency_reads_its_parameters_as_without() -> None:
    async def named(item: Item) -> str:
        return item.name

    app = FastAPI()

    @app.post("/items")
    async def endpoint(name: str = Depends(requires_scopes("items:write")(named))) -> str:
        return name

    FastAPIAuth(app, Auth(HTTPBearer({"t0ken": Principal("alice", scopes={"items:write"})}.get)))
    with TestClient(app) as client:
        assert client.post("/items", json={"name": "tea"}, headers=HEADERS).json() == "tea"
