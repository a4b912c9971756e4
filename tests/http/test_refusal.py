"""Refusals: the whole answer, of which an application may replace the body and nothing else."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest
from authmw_flask.refusing import RefusedByFlask

from authmw import AccessRefused, Auth, Body, HTTPBasic, HTTPBearer, Reason, Refusal
from authmw.http.challenge import Challenge
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


def test_class_16_why_a_login_failed_is_told_to_nobody() -> None:
    logins = [
        Reason.USER_UNKNOWN,
        Reason.USER_DISABLED,
        Reason.PASSWORD_WRONG,
        Reason.ACCOUNT_THROTTLED,
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
    def render(refusal: Refusal) -> Body:
        return Body("text/html", f"<h1>{refusal.status}</h1>".encode())

    auth = Auth(HTTPBearer() | HTTPBasic(), render=render, realm="orders")
    refusal = auth.authenticate(wsgi_request(authorization="Bearer a, Bearer b"))
    assert isinstance(refusal, Refusal)
    response = refusal.response()
    assert (response.status, response.body) == (400, b"<h1>400</h1>")
    headers = [name for name, _ in response.headers]
    assert headers.count("WWW-Authenticate") == 2
    assert dict(response.headers)["Content-Type"] == "text/html"


def test_each_reason_has_a_code_of_its_own() -> None:
    assert len({reason.code for reason in Reason}) == len(Reason)


@pytest.mark.parametrize("kind", [AccessRefused, RefusedByFlask])
def test_a_refusal_goes_from_one_process_to_another(kind: type[AccessRefused]) -> None:
    refusal = Refusal(
        Reason.SCOPE_MISSING, scopes=("read",), detail="why", render=lambda _: Body("text/plain", b"not sent along")
    )
    # What cannot be unpickled kills the thread of a multiprocessing pool that reads results (CPython #103061).
    received = pickle.loads(pickle.dumps(kind(refusal)))
    assert type(received) is kind
    assert (str(received), received.refusal) == ("authmw.scope-missing: why", replace(refusal, render=None))
