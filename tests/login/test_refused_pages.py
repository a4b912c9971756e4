"""Refusals that a person sees are pages: a form that is sent after the end of the session, and a 403. No other is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from tests.login.shop import WORLDS, Shop, World
from tests.requests import asgi_request, wsgi_request

SEEN = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


@pytest.fixture(params=WORLDS)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    world: World = request.param
    made = Shop(world)
    made.auth.render = made.pages.body_of
    yield made
    made.close()


def test_a_form_that_is_sent_after_the_end_of_the_session_is_answered_by_a_page(shop: Shop) -> None:
    browser = shop.logged_in()
    form = browser.open("/form").forms[0]
    elsewhere = shop.logged_in()
    sessions = elsewhere.open("/auth/sessions")
    (number,) = [n for n, each in enumerate(sessions.forms) if each.action.endswith("/end-all")]
    elsewhere.submit(sessions, number)
    page = browser.post("/", form.fields)
    assert (page.status, page.header("content-type")) == (401, "text/html; charset=utf-8")
    assert "Please open the page again" in page.text
    assert "code" not in page.text
    assert "ApiKey" in page.header("www-authenticate")


def test_what_no_person_sees_is_the_problem_document(shop: Shop) -> None:
    browser = shop.browser()
    assert browser.fetch("/").header("content-type") == "application/problem+json"
    assert browser.fetch("/", "POST", sec_fetch_site="same-origin").header("content-type") == "application/problem+json"
    program = browser.ask("POST", "/", accept="*/*")
    assert (program.status, program.header("content-type")) == (401, "application/problem+json")


@pytest.mark.parametrize(
    "reason, said",
    [
        (Reason.SCOPE_MISSING, "permission"),
        (Reason.CROSS_SITE, "site"),
        (Reason.TOO_MANY_ATTEMPTS, "too many attempts"),
        (Reason.UNAVAILABLE, "nothing to do with your account"),
        (Reason.CREDENTIAL_DUPLICATE, "try again"),
    ],
)
def test_each_refusal_has_its_page_in_the_language_of_the_browser(shop: Shop, reason: Reason, said: str) -> None:
    refusal = Refusal(reason)
    for make in (wsgi_request, asgi_request):
        body = shop.pages.body_of(refusal, make(**SEEN))
        assert (body.content_type, said in body.content.decode()) == ("text/html; charset=utf-8", True), body.content
        german = shop.pages.body_of(refusal, make(**SEEN, accept_language="de")).content.decode()
        assert '<html lang="de"' in german
        by_program = shop.pages.body_of(refusal, make(**SEEN, authorization="Bearer x"))
        assert by_program.content_type == "application/problem+json"
