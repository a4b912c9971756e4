"""What authmw has for the tests of others. That the contract catches what it should is in tests/stores."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware, docs_routes
from flask import Flask
from starlette.applications import Starlette

from authmw import Auth, ConfigurationError, HTTPBearer, public, requires_scopes
from authmw.openapi import DocsPage
from authmw.testing import FakeClock, assert_all_protected
from tests.support import fresh_python


@pytest.mark.slow
def test_only_the_contract_needs_pytest() -> None:
    code = "import sys, authmw.testing; print('pytest' in sys.modules); import authmw.testing.contract"
    loaded = fresh_python("-c", f"{code}; print('pytest' in sys.modules)")
    assert (loaded.returncode, loaded.stdout.split()) == (0, ["False", "True"]), loaded.stderr


def test_a_fake_clock_stands_still_in_the_present_until_it_is_moved() -> None:
    clock = FakeClock()
    before = clock()
    assert abs(before - time.time()) < 60
    assert clock() == before
    clock.advance(1.5)
    assert clock() == before + 1.5


def order(number: int) -> str:
    return str(number)


def docs(page: str) -> str:
    return page


def hello(environ: dict[str, Any], start_response: object) -> list[bytes]:
    return []


def shop(*, default: str = "deny") -> Flask:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBearer()), default="allow" if default == "allow" else "deny", public=["/docs/*"])
    app.add_url_rule("/orders/<int:number>", "order", requires_scopes("orders:read")(order))
    app.add_url_rule("/baskets", "baskets", lambda: "", methods=["GET", "POST"])
    app.add_url_rule("/docs/<page>", "docs", docs)
    app.add_url_rule("/health", "health", public(lambda: ""))
    return app


OPEN = {"GET /health", "GET /docs/{page}"}


def test_an_application_whose_holes_are_all_written_down_passes() -> None:
    assert_all_protected(shop(), public=OPEN)
    assert_all_protected(shop().wsgi_app, public=sorted(OPEN))


def test_any_names_all_methods_of_a_path_as_the_list_of_routes_does() -> None:
    app = shop()
    app.add_url_rule("/echo", "echo", public(lambda: ""), methods=["GET", "POST", "PUT"])
    assert_all_protected(app, public=OPEN | {"any /echo"})
    assert_all_protected(app, public={"any /docs/{page}", "any /health", "any /echo"})
    starlette = Starlette(routes=docs_routes(DocsPage(document={"openapi": "3.1.1", "paths": {}}), public=True))
    starlette.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer()))
    assert_all_protected(starlette, public={"any /docs", "any /docs/", "any /docs/{path}"})


@pytest.mark.parametrize(
    "default, named, mistakes",
    [
        ("deny", {"GET /health"}, ["GET /docs/{page} .* is public: .* add it to public= here"]),
        ("deny", set[str](), ["GET /docs/{page} .* is public", "GET /health .* is public"]),
        ("allow", OPEN, ["GET /baskets .* is open: nothing protects it", "POST /baskets .* is open"]),
        ("deny", OPEN | {"GET /orders/{number}"}, ["GET /orders/{number} is in public=, but it is protected"]),
        ("deny", OPEN | {"POST /health"}, ["POST /health is in public=, but there is no such route"]),
        ("deny", OPEN | {"/health"}, ["/health is in public=, but there is no such route"]),
        ("deny", OPEN | {"any /nowhere"}, ["any /nowhere is in public=, but there is no such route"]),
        (
            "deny",
            OPEN | {"any /baskets"},
            ["GET /baskets is in public=, but it is protected", "POST /baskets is in public=, but it is protected"],
        ),
        ("allow", {"GET /health"}, ["GET /baskets", "POST /baskets", "GET /docs/{page}"]),
    ],
)
def test_what_is_open_and_not_named_and_what_is_named_and_not_open_is_told(
    default: str, named: set[str], mistakes: list[str]
) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_all_protected(shop(default=default), public=named)
    lines = sorted(str(failed.value).splitlines())
    assert len(lines) == len(mistakes)
    for line, mistake in zip(lines, sorted(mistakes), strict=True):
        assert re.match(mistake.replace("{", r"\{"), line), line


def test_a_string_is_not_taken_for_the_routes_that_may_be_open() -> None:
    with pytest.raises(ConfigurationError, match=re.escape('public={"GET /health"}')):
        assert_all_protected(shop(), public="GET /health")


def test_what_has_no_routes_to_tell_does_not_pass() -> None:
    with pytest.raises(ConfigurationError, match="no application"):
        assert_all_protected(hello)
