"""Refusals: the whole answer, of which an application may replace the body and nothing else."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from authmw_flask.refusing import RefusedByFlask

from authmw import (
    AccessRefused,
    Auth,
    Body,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    InheritedAuth,
    Reason,
    Refusal,
    RequestHead,
    is_navigation,
)
from authmw.engine.authentication import NOBODY
from authmw.http.challenge import Challenge
from authmw.identity.requirement import AUTHENTICATED
from tests.requests import wsgi_request

INTERNAL = ("detail for the log", "missing:scope", "Traceback")


def _refusal(reason: Reason) -> Refusal:
    challenge = Challenge("Bearer", (("realm", "app"),))
    return Refusal(reason, (challenge,), ("a", "b"), ("missing:scope",), 7, "Authorization", INTERNAL[0])


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_refusal_is_a_problem_document_that_is_not_stored(reason: Reason) -> None:
    response = _refusal(reason).response()
    headers = dict(response.headers)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Length"] == str(len(response.body))
    assert headers["Vary"] == "Authorization"
    members = json.loads(response.body)
    assert members["status"] == response.status == reason.status
    assert members["code"] == reason.public_code
    assert members.get("error") == reason.error
    assert response.status_line.startswith(str(reason.status))


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_err_1_nothing_that_is_for_the_log_reaches_the_client(reason: Reason) -> None:
    response = _refusal(reason).response()
    text = response.body.decode() + repr(response.headers)
    assert [detail for detail in INTERNAL if detail in text] == []
    assert "authmw" not in text.replace(reason.public_code, "")


def test_its_repr_has_nothing_that_is_for_the_log_alone() -> None:
    refusal = Refusal(Reason.TOKEN_EXPIRED, detail="hunter2", login="/login?next=hunter2")
    assert "hunter2" not in repr(refusal)


def test_class_16_why_a_login_failed_is_told_to_nobody() -> None:
    logins = [
        Reason.USER_UNKNOWN,
        Reason.USER_DISABLED,
        Reason.PASSWORD_WRONG,
        Reason.CREDENTIALS_MALFORMED,
        Reason.CREDENTIALS_REJECTED,
        Reason.KEY_UNKNOWN,
        Reason.KEY_EXPIRED,
        Reason.KEY_REVOKED,
        Reason.DIGEST_MISMATCH,
        Reason.PROXY_UNTRUSTED,
    ]
    assert len({_refusal(reason).response() for reason in logins}) == 1


def test_an_application_may_replace_the_body_and_nothing_else() -> None:
    def render(refusal: Refusal, request: RequestHead) -> Body:
        return Body("text/html", f"<h1>{refusal.status}</h1>".encode())

    auth = Auth(HTTPBearer() | HTTPBasic(), render=render, realm="orders")
    refusal = auth.authenticate(wsgi_request(authorization="Bearer a, Bearer b"))
    assert isinstance(refusal, Refusal)
    response = refusal.response()
    assert (response.status, response.body) == (400, b"<h1>400</h1>")
    headers = [name for name, _ in response.headers]
    assert headers.count("WWW-Authenticate") == 2
    assert dict(response.headers)["Content-Type"] == "text/html"


def test_the_body_may_differ_by_the_request() -> None:
    def render(refusal: Refusal, request: RequestHead) -> Body:
        return Body("text/plain", f"{request.path} {is_navigation(request)}".encode())

    auth = Auth(HTTPBearer(), render=render)
    for headers, expected in (({}, b"/orders False"), ({"accept": "application/xhtml+xml"}, b"/orders True")):
        refusal = auth.decide(NOBODY, AUTHENTICATED, wsgi_request("/orders", **headers))
        assert isinstance(refusal, Refusal)
        assert refusal.response().body == expected
        assert refusal.response().status == 401


def test_each_reason_has_a_code_of_its_own() -> None:
    assert len({reason.code for reason in Reason}) == len(Reason)


@pytest.mark.parametrize("pages", ["https://docs.example/reasons/", "http://docs.example/errors#"])
@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_the_type_is_the_page_of_the_public_code_and_tells_no_more(reason: Reason, pages: str) -> None:
    members = Refusal(reason, pages=pages).problem()
    assert members["type"] == pages + members["code"].removeprefix("authmw.")
    assert {**members, "type": "about:blank"} == Refusal(reason).problem()


def test_without_an_address_of_pages_the_type_is_about_blank() -> None:
    twice = wsgi_request(authorization="Bearer a, Bearer b")
    for auth, expected in (
        (Auth(HTTPBearer()), "about:blank"),
        (InheritedAuth(Auth(HTTPBearer(), reason_pages="https://a.example/")), "https://a.example/credentials-missing"),
    ):
        refusal = auth.decide(NOBODY, AUTHENTICATED, twice)
        assert isinstance(refusal, Refusal)
        assert refusal.problem()["type"] == expected


@pytest.mark.parametrize(
    "pages",
    [
        "https://docs.example/reasons",
        "/reasons/",
        "docs.example/",
        "https://user@docs.example/",
        "https://docs.example/ /",
        "https://docs.example/#a#",
        "#",
        None,
        7,
    ],
)
def test_what_is_no_address_of_pages_is_refused(pages: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"reason_pages=.*, since \w"):
        Auth(HTTPBearer(), reason_pages=pages)


@pytest.mark.parametrize("kind", [AccessRefused, RefusedByFlask])
def test_a_refusal_goes_from_one_process_to_another(kind: type[AccessRefused]) -> None:
    refusal = Refusal(
        Reason.SCOPE_MISSING, scopes=("read",), detail="why", render=lambda refusal, request: Body("text/plain", b"")
    )
    # What cannot be unpickled kills the thread of a multiprocessing pool that reads results (CPython #103061).
    received = pickle.loads(pickle.dumps(kind(refusal)))
    assert type(received) is kind
    assert (str(received), received.refusal) == ("authmw.scope-missing: why", replace(refusal, render=None))


def test_a_refusal_has_the_headers_that_it_needs_and_no_empty_ones() -> None:
    bare = Refusal(Reason.FORBIDDEN).response()
    assert [name for name, _ in bare.headers] == ["Content-Type", "Content-Length", "Cache-Control"]
    assert bare.body == b'{"type":"about:blank","title":"Forbidden","status":403,"detail":' + (
        json.dumps(Reason.FORBIDDEN.description).encode() + b',"code":"authmw.forbidden"}'
    )
    later = Refusal(Reason.UNAVAILABLE, retry_after=0, vary="Cookie", headers=(("X-More", "1"),)).response()
    assert later.headers[3:] == (("Vary", "Cookie"), ("Retry-After", "0"), ("X-More", "1"))
