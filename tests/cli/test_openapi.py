"""``authmw openapi``: the document of an application, for a pipe or a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.written_app import FLASK, STARLETTE, forgotten_afterwards, write

Run = Callable[..., Result]

FASTAPI = """
    from live import *
    from authmw_fastapi import AuthMiddleware
    from fastapi import FastAPI

    app = FastAPI(title="Shop")
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(nobody)))

    @app.get("/orders/{number}")
    @requires_scopes("orders:read")
    async def order(number: int):
        pass
"""
APPLICATIONS = pytest.mark.parametrize("application", ["shop:app", "live:app", "fast:app"])


@pytest.fixture(autouse=True)
def shops() -> Iterator[None]:
    with forgotten_afterwards():
        write("shop", FLASK)
        write("live", STARLETTE)
        write("fast", FASTAPI)
        yield


def printed(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@APPLICATIONS
def test_the_document_says_what_is_enforced(run: Run, application: str) -> None:
    document = printed(run("openapi", application))
    assert document["openapi"].startswith("3.1")
    assert document["paths"]["/orders/{number}"]["get"]["security"] == [{"HTTPBearer": ["orders:read"]}]


@pytest.mark.parametrize("application", ["shop:app", "live:app"])
def test_the_version_and_the_title_can_be_chosen(run: Run, application: str) -> None:
    document = printed(run("openapi", application, "--openapi", "3.0", "--title", "Parcels"))
    assert document["openapi"].startswith("3.0")
    assert document["info"]["title"] == "Parcels"


def test_what_fastapi_decides_itself_is_not_overruled(run: Run) -> None:
    refused = run("openapi", "fast:app", "--openapi", "3.0")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "FastAPI decides its openapi: set it where the application is made" in refused.stderr


def test_it_is_indented_for_people_and_one_line_with_json(run: Run) -> None:
    indented, line = run("openapi", "shop:app"), run("openapi", "shop:app", "--json")
    assert printed(indented) == printed(line)
    assert (indented.stdout.count("\n") > 10, line.stdout.count("\n")) == (True, 1)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["indented", "json"])
def test_it_is_written_to_a_file(run: Run, options: list[str]) -> None:
    document = printed(run("openapi", "shop:app", *options))
    written = run("openapi", "shop:app", "--output", "openapi.json", *options)
    assert (written.exit_code, written.stdout) == (0, "")
    text = Path("openapi.json").read_text(encoding="utf-8")
    assert json.loads(text) == document
    assert text.endswith("}\n")


def test_a_file_that_cannot_be_written_is_a_sentence(run: Run) -> None:
    refused = run("openapi", "shop:app", "--output", "no/such/openapi.json")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "no/such/openapi.json" in refused.stderr


def test_an_application_that_nothing_guards_has_no_document(run: Run) -> None:
    refused = run("openapi", "shop:bare")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "FlaskAuth(app, auth)" in refused.stderr
