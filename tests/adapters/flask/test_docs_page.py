"""The docs page in Flask: guarded unless it is public, at any path and under any prefix."""

from __future__ import annotations

import pytest
from authmw_flask import FlaskAuth, docs_blueprint
from flask import Flask

from authmw.openapi import DocsPage
from tests.adapters.flask.shop import ask, shop_auth

DOCUMENT = {"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}, "paths": {}}
FILES = ["/", "/docs.js", "/swagger-ui.css", "/openapi.json", "/oauth2-redirect.html"]


def make_app(url_prefix: str = "/docs", *, public: bool = False) -> Flask:
    app = Flask("shop")
    app.register_blueprint(docs_blueprint(DocsPage(document=DOCUMENT), url_prefix=url_prefix, public=public))
    FlaskAuth(app, shop_auth())
    return app


@pytest.mark.parametrize("path", ["", *FILES, "/nothing"])
def test_the_page_and_all_its_files_are_guarded_by_default(path: str) -> None:
    app = make_app()
    assert ask(app, f"/docs{path}").status_code == 401
    assert ask(app, f"/docs{path}", as_="reader").status_code in (200, 307, 404)


@pytest.mark.parametrize("path", FILES)
def test_a_public_page_is_for_anybody_with_its_files(path: str) -> None:
    app = make_app(public=True)
    assert ask(app, f"/docs{path}").status_code == 200
    assert ask(app, "/elsewhere").status_code == 401


@pytest.mark.parametrize("prefix", ["", "/shop"])
def test_a_page_without_its_slash_is_one_slash_further(prefix: str) -> None:
    app = make_app("/internal/docs", public=True)
    answer = app.test_client().get("/internal/docs", environ_overrides={"SCRIPT_NAME": prefix})
    assert (answer.status_code, answer.headers["Location"]) == (307, "./docs/")


@pytest.mark.parametrize("place, root", [("/docs", "../"), ("/internal/docs", "../../"), ("", "./"), ("/", "./")])
def test_the_page_knows_the_way_to_the_root_of_the_application(place: str, root: str) -> None:
    app = make_app(place, public=True)
    answer = app.test_client().get(f"{place.rstrip('/')}/", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert f'data-root="{root}"' in answer.text


def test_the_page_is_only_read() -> None:
    app = make_app(public=True)
    for method in ("POST", "OPTIONS", "DELETE"):
        answer = ask(app, "/docs/docs.js", method=method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = ask(app, "/docs/", method="HEAD")
    assert (head.status_code, head.data) == (200, b"")


def test_who_has_a_file_already_is_told_so() -> None:
    app = make_app(public=True)
    tag = ask(app, "/docs/docs.js").headers["ETag"]
    again = ask(app, "/docs/docs.js", if_none_match=tag)
    assert (again.status_code, again.data, "Content-Type" in again.headers) == (304, b"", False)


@pytest.mark.parametrize("path", ["/docs/../shop.py", "/docs/..%2fshop.py", "/docs/files/docs.js", "/docs/docs.js/"])
def test_no_other_file_is_served(path: str) -> None:
    assert ask(make_app(public=True), path).status_code in (401, 404)


def test_two_pages_stand_beside_each_other() -> None:
    app = make_app(public=True)
    app.register_blueprint(docs_blueprint(DocsPage(title="Other"), "other", "/other", public=True))
    assert "<title>Other</title>" in ask(app, "/other/").text
    assert "<title>API</title>" in ask(app, "/docs/").text
