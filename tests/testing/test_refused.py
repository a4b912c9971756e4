"""`assert_refused`: what is no refusal of authmw, or one for another reason, fails with what came instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from authmw_flask import FlaskAuth
from flask import Flask, abort

from authmw import Auth, HTTPBearer, Principal, any_of, requires_scopes
from authmw.http.refusal import Body, Refusal
from authmw.testing import assert_refused

TOKENS = {"bob": Principal("bob"), "root": Principal("root", scopes={"orders:read", "orders:write"})}


def answer(path: str, token: str = "", method: str = "GET", **options: Any) -> Any:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBearer(TOKENS.get), **options))
    app.add_url_rule("/orders", "orders", requires_scopes("orders:read", "orders:write")(lambda: "orders"))
    app.add_url_rule("/either", "either", requires_scopes(any_of("orders:read", "admin"))(lambda: "either"))
    app.add_url_rule("/own", "own", lambda: abort(403))
    app.add_url_rule("/json", "json", lambda: ({"code": "shop.closed"}, 403))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().open(path, method=method, headers=headers)


@pytest.mark.parametrize(
    "response, expected",
    [
        (answer("/orders"), {}),
        (answer("/orders"), {"status": 401, "code": "authmw.credentials-missing"}),
        (answer("/orders"), {"status": 401, "scope": "orders:read"}),
        (answer("/orders", "junk"), {"code": "authmw.token-invalid"}),
        (answer("/orders", "bob"), {}),
        (answer("/orders", "bob"), {"scope": "orders:read"}),
        (answer("/orders", "bob"), {"scope": {"orders:read", "orders:write"}, "code": "authmw.scope-missing"}),
        (answer("/orders", "bob"), {"scope": "orders:read orders:write", "status": 403}),
        (answer("/either", "bob"), {"scope": "admin"}),
        (answer("/orders", method="HEAD"), {}),
        (answer("/own", "bob"), {"status": 403}),
    ],
)
def test_a_refusal_for_the_expected_reason_passes(response: Any, expected: Any) -> None:
    assert_refused(response, **expected)


@pytest.mark.parametrize(
    "response, expected, told",
    [
        (answer("/orders", "root"), {}, "expected a refusal with 401 or 403, and the response is 200"),
        (answer("/nope", "root"), {}, "the response is 404"),
        (answer("/orders"), {"scope": "orders:read"}, "a refusal with 403, .* is 401 authmw.credentials-missing"),
        (answer("/orders", "bob"), {"scope": "admin"}, "a need of admin, .* names orders:read orders:write"),
        (answer("/orders", "bob"), {"scope": ["orders:read", "x"]}, "a need of x, "),
        (answer("/orders", "bob"), {"status": 401}, "expected a refusal with 401, .* is 403 authmw.scope-missing"),
        (answer("/orders", "bob"), {"code": "authmw.forbidden"}, "expected authmw.forbidden, .* is 403"),
        (answer("/orders", "x"), {"code": "authmw.token-kind"}, "is for the log, and its client gets authmw.token-inv"),
        (answer("/own", "bob"), {}, "403 of the application, .* say status=403"),
        (answer("/json", "bob"), {}, "403 of the application"),
        (answer("/own", "bob"), {"scope": "orders:read"}, "403 of the application"),
    ],
)  # fmt: skip
def test_anything_else_fails_with_what_came_instead(response: Any, expected: Any, told: str) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_refused(response, **expected)
    assert re.search(told, str(failed.value)), str(failed.value)


def plain(_: Refusal, request: object) -> Body:
    return Body("text/plain", b"no")


def test_a_body_of_the_applications_own_needs_the_status() -> None:
    refused = answer("/orders", "bob", render=plain)
    assert_refused(refused)  # it has a challenge
    with pytest.raises(AssertionError, match=r"expected authmw\.scope-missing"):
        assert_refused(refused, code="authmw.scope-missing")


def test_a_response_of_requests() -> None:
    response = requests.Response()
    response.status_code = 403
    response._content = answer("/orders", "bob").data  # pyright: ignore[reportPrivateUsage]
    assert_refused(response, scope="orders:read")
