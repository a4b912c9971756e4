"""Django REST framework behind `AuthMiddleware`: declarations, the authentication class, and the permission class."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from authmw_django.drf import PrincipalAuthentication

from tests.adapters.django.asking import KINDS, ask, said
from tests.adapters.django.site import configured

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


ENDPOINTS = [
    # method, path, a stranger, a caller without scopes, a reader, a writer
    ("GET", "/api/orders", 401, 403, 200, 200),
    ("HEAD", "/api/orders", 401, 403, 200, 200),
    ("POST", "/api/orders", 401, 403, 403, 200),
    ("DELETE", "/api/orders", 401, 200, 200, 200),
    ("PATCH", "/api/orders", 401, 405, 405, 405),
    ("GET", "/api/whole", 401, 403, 403, 200),
    ("OPTIONS", "/api/whole", 401, 403, 403, 200),
    ("GET", "/api/function", 401, 403, 200, 200),
    ("POST", "/api/function", 401, 403, 200, 200),
    ("GET", "/api/function-above", 401, 403, 200, 200),
    ("GET", "/api/open-function", 200, 200, 200, 200),
    ("GET", "/api/window", 401, 200, 200, 200),
    ("GET", "/api/staff", 401, 403, 403, 403),
    ("GET", "/api/inline", 401, 403, 403, 200),
    ("GET", "/api/set/", 401, 403, 200, 200),
    ("HEAD", "/api/set/", 401, 403, 200, 200),
    ("POST", "/api/set/", 401, 403, 403, 200),
    ("GET", "/api/set/7/", 401, 200, 200, 200),
    ("POST", "/api/set/7/cancel/", 401, 403, 403, 200),
    ("POST", "/api/set/7/ship/", 401, 403, 403, 200),
    ("GET", "/api/set/count/", 200, 200, 200, 200),
]


@every_kind
@pytest.mark.parametrize(
    "method, path, stranger, caller, reader, writer", ENDPOINTS, ids=[f"{row[0]} {row[1]}" for row in ENDPOINTS]
)
def test_an_endpoint_needs_what_it_declares(
    kind: str, method: str, path: str, stranger: int, caller: int, reader: int, writer: int
) -> None:
    tokens = {"": stranger, "t0ken": caller, "reader": reader, "writer": writer}
    assert {token: ask(kind, path, token, method=method).status for token in tokens} == tokens


@every_kind
def test_request_user_and_request_auth_are_the_caller(kind: str) -> None:
    caller = {"user": "reader", "auth": "reader", "current": "reader"}
    assert said(ask(kind, "/api/orders", "reader")) == caller
    assert said(ask(kind, "/api/set/", "reader")) == caller
    assert said(ask(kind, "/api/set/count/")) == {"user": "", "auth": None, "current": ""}


@every_kind
def test_a_401_that_a_permission_class_wants_is_the_one_of_authmw(kind: str) -> None:
    seen = ask(kind, "/api/window")
    assert seen.wire == ask(kind, "/no-such-page").wire
    assert len(seen.all("www-authenticate")) == 2


@every_kind
def test_a_403_of_another_permission_class_is_its_own(kind: str) -> None:
    seen = ask(kind, "/api/staff", "writer")
    assert seen.status == 403
    assert said(seen) == {"detail": "You do not have permission to perform this action."}


@every_kind
@pytest.mark.parametrize("path, scope", [("/api/inline", "orders:write"), ("/api/orders", "orders:read")])
def test_a_refusal_is_no_response_of_django_rest_framework(kind: str, path: str, scope: str) -> None:
    seen = ask(kind, path, "t0ken")
    assert (seen.status, seen.all("content-type")) == (403, ["application/problem+json"])
    assert seen.all("www-authenticate") == [f'Bearer realm="shop", error="insufficient_scope", scope="{scope}"']


@every_kind
def test_a_post_by_token_needs_no_csrf_token(kind: str) -> None:
    assert ask(kind, "/api/orders", "writer", method="POST", body=b"a=1").status == 200


@pytest.mark.parametrize("token, has_form", [("reader", False), ("writer", True)])
def test_the_browsable_api_shows_the_forms_that_the_caller_may_send(token: str, has_form: bool) -> None:
    seen = ask("wsgi", "/api/orders", token, accept="text/html")
    assert seen.status == 200
    assert (b'method="POST"' in seen.body) is has_form


def test_without_the_middleware_a_view_is_closed() -> None:
    from rest_framework.test import APIRequestFactory

    from tests.adapters.django.api import Orders

    refused = Orders.as_view()(APIRequestFactory().get("/api/orders"))
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"] == "Bearer"


def test_outside_of_the_middleware_the_authentication_class_authenticates_nobody() -> None:
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory

    request = Request(APIRequestFactory().get("/", headers={"authorization": "Bearer reader", "remote-user": "x"}))
    assert PrincipalAuthentication().authenticate(request) is None
