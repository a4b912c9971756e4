"""The docs page in Starlette: guarded unless it is public, at any path and under any prefix."""

from __future__ import annotations

import pytest
from authmw_starlette import docs_routes
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from authmw.openapi import DocsPage
from tests.adapters.starlette.support import READER, client_of, guard

DOCUMENT = {"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}, "paths": {}}
FILES = ["/", "/docs.js", "/swagger-ui.css", "/openapi.json", "/oauth2-redirect.html"]


def make_app(path: str = "/docs", *, public: bool = False) -> ASGIApp:
    return guard(Starlette(routes=docs_routes(DocsPage(document=DOCUMENT), path, public=public)))


@pytest.mark.parametrize("path", ["", *FILES, "/nothing"])
def test_the_page_and_all_its_files_are_guarded_by_default(path: str) -> None:
    app = make_app()
    assert client_of(app).get(f"/docs{path}").status_code == 401
    assert client_of(app, READER).get(f"/docs{path}").status_code in (200, 307, 404)


@pytest.mark.parametrize("path", FILES)
def test_a_public_page_is_for_anybody_with_its_files(path: str) -> None:
    client = client_of(make_app(public=True))
    assert client.get(f"/docs{path}").status_code == 200
    assert client.get("/elsewhere").status_code == 401


def test_a_page_without_its_slash_is_one_slash_further() -> None:
    answer = client_of(make_app("/internal/docs", public=True)).get("/internal/docs")
    assert (answer.status_code, answer.headers["Location"]) == (307, "./docs/")


@pytest.mark.parametrize("place, root", [("/docs", "../"), ("/internal/docs/", "../../"), ("", "./"), ("/", "./")])
def test_the_page_knows_the_way_to_the_root_of_the_application(place: str, root: str) -> None:
    answer = client_of(make_app(place, public=True)).get(f"{place.rstrip('/')}/")
    assert f'data-root="{root}"' in answer.text


def test_a_page_that_is_mounted_with_its_api_describes_that() -> None:
    routes = docs_routes(DocsPage(document=DOCUMENT), public=True)
    client = client_of(guard(Starlette(routes=[Mount("/v1", routes=routes)])))
    assert client.get("/v1/docs").headers["Location"] == "./docs/"
    assert 'data-root="../"' in client.get("/v1/docs/").text


def test_the_page_is_only_read() -> None:
    client = client_of(make_app(public=True))
    for method in ("POST", "OPTIONS", "DELETE"):
        answer = client.request(method, "/docs/docs.js")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = client.head("/docs/")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/docs/..%2fdocs.py", "/docs/files/docs.js", "/docs/docs.js/", "/docs//docs.js"])
def test_no_other_file_is_served(path: str) -> None:
    assert client_of(make_app(public=True)).get(path).status_code in (401, 404)
