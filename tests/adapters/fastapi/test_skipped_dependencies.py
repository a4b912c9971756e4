"""Dependencies below a requirement run, whatever kind of callable they are, or the application does not start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Final

import fastapi
import pytest
from authmw_fastapi import FastAPIAuth
from authmw_fastapi.skipped_dependencies import skipped_dependencies
from fastapi import Depends, FastAPI, HTTPException

from authmw import ConfigurationError, authenticated, requires_scopes
from tests.adapters.fastapi.apps import as_, client_of, make_auth

REFUSED: Final = 418
RUNS_ALL: Final = tuple(map(int, fastapi.__version__.split(".")[:3])) >= (0, 123, 5)


def _refuse() -> None:
    raise HTTPException(REFUSED)


async def _async() -> None:
    _refuse()


def _yielding() -> Iterator[None]:
    _refuse()
    yield


async def _async_yielding() -> AsyncIterator[None]:
    _refuse()
    yield


class _Object:
    def __call__(self) -> None:
        _refuse()


class _AsyncObject:
    async def __call__(self) -> None:
        _refuse()


class _YieldingObject:
    def __call__(self) -> Iterator[None]:
        _refuse()
        yield


class _Methods:
    async def of_object(self) -> None:
        _refuse()

    @classmethod
    async def of_class(cls) -> None:
        _refuse()


RUN: Final[dict[str, Callable[..., Any]]] = {
    "function": _refuse,
    "async function": _async,
    "method": _Methods().of_object,
    "method of a class": _Methods.of_class,
    "object": _Object(),
    "async object": _AsyncObject(),
    "partial of an async object": partial(_AsyncObject()),
}
YIELDING: Final[dict[str, Callable[..., Any]]] = {
    "with yield": _yielding,
    "async with yield": _async_yielding,
    "object with yield": _YieldingObject(),
}
DECORATORS: Final[dict[str, Callable[[Any], Any]]] = {
    "requires_scopes": requires_scopes("items:read"),
    "authenticated": authenticated,
}


def _app(dependency: Callable[..., Any]) -> FastAPI:
    app = FastAPI()

    @app.get("/items", dependencies=[Depends(dependency)])
    def items() -> str:
        return "not checked"

    return app


@pytest.mark.parametrize("decorate", DECORATORS.values(), ids=DECORATORS)
@pytest.mark.parametrize("dependency", [*RUN.values(), *YIELDING.values()], ids=[*RUN, *YIELDING])
def test_a_dependency_with_a_requirement_is_run(dependency: Callable[..., Any], decorate: Callable[[Any], Any]) -> None:
    app = _app(decorate(dependency))
    FastAPIAuth(app, make_auth())
    if dependency in YIELDING.values() and not RUNS_ALL:
        with pytest.raises(ConfigurationError, match="does not run"), client_of(app) as client:
            client.get("/items", headers=as_("reader"))
        return
    with client_of(app) as client:
        assert client.get("/items", headers=as_("reader")).status_code == REFUSED
        assert client.get("/items").status_code == 401


@pytest.mark.parametrize("decorate", DECORATORS.values(), ids=DECORATORS)
@pytest.mark.parametrize("version", ["0.115.11", "0.123.4", "0.123.4rc1"])
def test_releases_that_would_not_run_it_are_refused(version: str, decorate: Callable[[Any], Any]) -> None:
    for dependency in YIELDING.values():
        (sentence,) = skipped_dependencies(_app(decorate(dependency)), version)
        assert sentence.startswith("items (")
        assert f"FastAPI {version} does not run" in sentence
        assert skipped_dependencies(_app(decorate(dependency)), "0.123.5") == ()
        assert skipped_dependencies(_app(dependency), version) == ()
    for dependency in RUN.values():
        assert skipped_dependencies(_app(decorate(dependency)), version) == ()
