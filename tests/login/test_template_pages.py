"""What a template of the application gets of each page, and with which status, after each form that can be sent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from authmw.errors import StoreUnavailable
from authmw.flow.flow import run
from authmw.http.form import FORM_FIELD
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.pages import (
    ChangePasswordPage,
    EmailVerifiedPage,
    Failure,
    FailurePage,
    ForgottenPasswordPage,
    LinkExpiredPage,
    LoggedOutPage,
    LoginPage,
    LogOutPage,
    ProblemCode,
    ResetPasswordPage,
    StepPage,
    VerifyEmailPage,
)
from authmw.stores import User
from authmw.stores.records import Wait
from tests.login.browser import FORM, Browser, Page
from tests.login.shop import SECRET, Shop
from tests.login.test_passwords import NEW, link_in
from tests.requests import wsgi_request

SHOWN: Final = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
TOKEN: Final = "of this form"
LOGIN: Final = LoginPage(action="/auth/login", form_token=TOKEN, remember=False, forgot_url="/auth/forgotten")
STEP: Final = StepPage(
    action="/auth/login/step", form_token=TOKEN, step="pin", fields=(("pin", "Your PIN"),), login_url="/auth/login"
)
PASSWORD: Final = ChangePasswordPage(
    action="/auth/password", form_token=TOKEN, username="alice", shortest=8, continue_url="/public"
)
FORGOTTEN: Final = ForgottenPasswordPage(action="/auth/forgotten", form_token=TOKEN, login_url="/auth/login")


class Pin:
    """A step that alice has to pass."""

    name, amr, fields = "pin", "pin", (("pin", "Your PIN"),)

    def is_needed(self, user: User) -> bool:
        return user.username == "alice"

    def check(self, user: User, values: Mapping[str, str]) -> bool:
        return values == {"pin": "1111"}


class Seen:
    """A shop with a template, which notes the pages that it gets."""

    def __init__(self, **options: Any) -> None:
        self.pages: list[Any] = []
        self.languages: list[str] = []
        self.shop = Shop(template=self._note, home="/public", **options)

    def _note(self, page: object, texts: Any) -> None:
        self.pages.append(page)
        self.languages.append(texts.tag)

    def of(self, answer: Page) -> tuple[int, Any]:
        """The status of the newest answer, and the page that its template got, with one token for each form."""
        page: Any = self.pages.pop()
        header = answer.header("retry-after")
        if getattr(page, "failure", None) is None:
            assert header == str(getattr(page, "retry_after", None) or "")
        assert answer.header("content-length") == str(len(answer.body))
        if not hasattr(page, "form_token"):
            return answer.status, page
        assert [each.fields[FORM_FIELD] for each in answer.forms] == [page.form_token] * len(answer.forms)
        assert page.form_token
        return answer.status, replace(page, form_token=TOKEN)


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.shop.close()


def throttled(shop: Shop, monkeypatch: pytest.MonkeyPatch, *, by_source: bool = True) -> None:
    """Let every attempt wait from now on."""

    def reserve(*_: object) -> Wait:
        return Wait(6.5, source_failed=by_source)

    monkeypatch.setattr(shop.stores.throttle, "reserve", reserve)


def test_the_login_page_as_it_is_opened(seen: Seen) -> None:
    stranger, alice = seen.shop.browser(), seen.shop.logged_in()
    assert seen.of(stranger.open("/auth/login")) == (200, LOGIN)
    assert seen.of(stranger.open("/auth/login?next=/public")) == (200, replace(LOGIN, next="/public"))
    assert seen.of(stranger.open("/auth/login?next=//evil.example")) == (200, LOGIN)
    assert seen.of(stranger.open("/auth/login?next=/public&next=/public")) == (200, LOGIN)
    assert seen.of(stranger.open("/auth/login?next=/%ff")) == (200, LOGIN)
    again = replace(LOGIN, username="alice", next="/public", reauthentication=True)
    assert seen.of(alice.open("/auth/login?reauthenticate=1&next=/public")) == (200, again)


def test_the_login_page_of_an_application_that_remembers_nobody_and_sends_no_mail() -> None:
    seen = Seen(remember_me=False, send_mail=None)
    browser = seen.shop.browser()
    plain = replace(LOGIN, remember=None, forgot_url="")
    page = browser.open("/auth/login")
    assert seen.of(page) == (200, plain)
    wrong = browser.submit(page, username="alice", password="wrong", remember="yes")
    assert seen.of(wrong) == (403, replace(plain, username="alice", problem=ProblemCode.WRONG_CREDENTIALS))
    answer = browser.post(page.form.action, {**page.form.fields, "username": "bob", "password": "battery staple"})
    assert answer.header("location") == "/public"
    browser.jar.clear()
    page = browser.open("/auth/login")
    fields: Any = {"username": "bob", "password": "battery staple", "remember": "yes"}
    assert "Max-Age" not in browser.post(page.form.action, {**page.form.fields, **fields}).header("set-cookie")
    seen.shop.close()


@pytest.mark.parametrize("remember", ["yes", "", "no"])
def test_the_login_page_after_each_form(seen: Seen, monkeypatch: pytest.MonkeyPatch, remember: str) -> None:
    browser = seen.shop.browser()
    page = browser.open("/auth/login?next=/public")
    kept = replace(LOGIN, username="alice", next="/public", remember=remember == "yes")
    fields: Any = {"username": "alice", "password": "wrong", "remember": remember}

    def after(**changed: Any) -> tuple[int, Any]:
        return seen.of(browser.submit(page, **{**fields, **changed}))

    assert after() == (403, replace(kept, problem=ProblemCode.WRONG_CREDENTIALS))
    assert after(csrf_token="") == (400, replace(kept, problem=ProblemCode.FORM_EXPIRED))
    assert after(password="") == (400, replace(kept, problem=ProblemCode.FIELD_MISSING))
    assert after(username="") == (400, replace(kept, username="", problem=ProblemCode.FIELD_MISSING))
    for by_source, status in ((True, 429), (False, 503)):
        throttled(seen.shop, monkeypatch, by_source=by_source)
        assert after() == (status, replace(kept, problem=ProblemCode.THROTTLED, retry_after=7))


def test_the_page_of_a_step_after_each_form(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(steps=[Pin()])
    browser = seen.shop.browser()
    page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET)
    assert seen.of(page) == (200, STEP)
    assert seen.of(browser.submit(page, pin="0000")) == (403, replace(STEP, problem=ProblemCode.WRONG_CREDENTIALS))
    for wrong in ({"csrf_token": ""}, {"step": "code"}, {"step": ""}):
        filled: Any = {"pin": "1111", **wrong}
        assert seen.of(browser.submit(page, **filled)) == (400, replace(STEP, problem=ProblemCode.FORM_EXPIRED))
    assert seen.of(browser.submit(page, pin="")) == (400, replace(STEP, problem=ProblemCode.FIELD_MISSING))
    for by_source, status in ((True, 429), (False, 503)):
        throttled(seen.shop, monkeypatch, by_source=by_source)
        expected = replace(STEP, problem=ProblemCode.THROTTLED, retry_after=7)
        assert seen.of(browser.submit(page, pin="1111")) == (status, expected)
    monkeypatch.undo()
    answer = browser.post(page.form.action, {**page.form.fields, "pin": "1111"})
    assert (answer.status, answer.header("location")) == (303, "/public")
    seen.shop.close()


def test_the_pages_to_log_out(seen: Seen) -> None:
    browser = seen.shop.logged_in()
    asked = LogOutPage(action="/auth/logout", form_token=TOKEN)
    page = browser.open("/auth/logout")
    assert seen.of(page) == (200, asked)
    assert seen.of(browser.submit(page, csrf_token="")) == (200, asked)
    assert seen.of(browser.submit(page)) == (200, LoggedOutPage(login_url="/auth/login"))


def test_the_page_of_a_new_password_after_each_form(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = seen.shop.logged_in()
    page = browser.open("/auth/password")
    assert seen.of(page) == (200, PASSWORD)
    fields = {"old_password": SECRET, "new_password": NEW, "new_password_again": NEW}
    short, long, refused = "x" * 7, "x" * 1025, "tab\there it is"
    for changed, status, problem in (
        ({"csrf_token": ""}, 400, ProblemCode.FORM_EXPIRED),
        ({"old_password": ""}, 400, ProblemCode.FIELD_MISSING),
        ({"old_password": "", "new_password_again": "another"}, 400, ProblemCode.FIELD_MISSING),
        ({"new_password": ""}, 400, ProblemCode.FIELD_MISSING),
        ({"new_password_again": ""}, 400, ProblemCode.FIELD_MISSING),
        ({"new_password_again": "another"}, 400, ProblemCode.PASSWORDS_DIFFER),
        ({"new_password": short, "new_password_again": short}, 400, ProblemCode.PASSWORD_TOO_SHORT),
        ({"new_password": long, "new_password_again": long}, 400, ProblemCode.PASSWORD_TOO_LONG),
        ({"new_password": refused, "new_password_again": refused}, 400, ProblemCode.PASSWORD_UNACCEPTABLE),
        ({"old_password": "wrong"}, 403, ProblemCode.OLD_PASSWORD_WRONG),
    ):
        filled: Any = {**fields, **changed}
        assert seen.of(browser.submit(page, **filled)) == (status, replace(PASSWORD, problem=problem))
    named: Any = fields
    with monkeypatch.context() as patched:
        for by_source, status in ((True, 429), (False, 503)):
            throttled(seen.shop, patched, by_source=by_source)
            expected = replace(PASSWORD, problem=ProblemCode.THROTTLED, retry_after=7)
            assert seen.of(browser.submit(page, **named)) == (status, expected)
    assert seen.of(browser.submit(page, **named)) == (200, replace(PASSWORD, done=True))
    assert seen.of(browser.open("/auth/password")) == (200, PASSWORD)


def test_the_page_of_a_forgotten_password_after_each_form(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = seen.shop.browser()
    page = browser.open("/auth/forgotten")
    assert seen.of(page) == (200, FORGOTTEN)
    expired = seen.of(browser.submit(page, username="alice", csrf_token=""))
    assert expired == (400, replace(FORGOTTEN, problem=ProblemCode.FORM_EXPIRED))
    assert seen.of(browser.submit(page)) == (400, replace(FORGOTTEN, problem=ProblemCode.FIELD_MISSING))
    for name in ("alice", "nobody"):
        assert seen.of(browser.submit(page, username=name)) == (200, replace(FORGOTTEN, sent=True))
    for by_source, status in ((True, 429), (False, 503)):
        throttled(seen.shop, monkeypatch, by_source=by_source)
        waiting = replace(FORGOTTEN, problem=ProblemCode.THROTTLED, retry_after=7)
        assert seen.of(browser.submit(page, username="alice")) == (status, waiting)


def test_the_pages_behind_a_link_for_a_new_password() -> None:
    seen = Seen(shortest_password=12)
    browser = seen.shop.browser()
    browser.submit(browser.open("/auth/forgotten"), username="alice")
    link = link_in(seen.shop)
    secret = link.partition("token=")[2]
    shown = ResetPasswordPage(action="/auth/reset", form_token=TOKEN, token=secret, username="alice", shortest=12)
    page = browser.open(link)
    assert seen.of(page) == (200, shown)
    for new, again, token, problem in (
        ("x" * 12, "x" * 12, "", ProblemCode.FORM_EXPIRED),
        ("x" * 12, "", page.form.fields[FORM_FIELD], ProblemCode.FIELD_MISSING),
        ("x" * 12, "x" * 13, page.form.fields[FORM_FIELD], ProblemCode.PASSWORDS_DIFFER),
        ("x" * 11, "x" * 11, page.form.fields[FORM_FIELD], ProblemCode.PASSWORD_TOO_SHORT),
        ("x" * 1025, "x" * 1025, page.form.fields[FORM_FIELD], ProblemCode.PASSWORD_TOO_LONG),
        ("\x07" * 12, "\x07" * 12, page.form.fields[FORM_FIELD], ProblemCode.PASSWORD_UNACCEPTABLE),
    ):
        answer = browser.submit(page, new_password=new, new_password_again=again, csrf_token=token)
        assert seen.of(answer) == (400, replace(shown, problem=problem))
    done = browser.submit(page, new_password="x" * 12, new_password_again="x" * 12)
    assert seen.of(done) == (200, LOGIN)
    expired = LinkExpiredPage(again_url="/auth/forgotten")
    assert seen.of(browser.open(link)) == (400, expired)
    assert seen.of(browser.submit(page, new_password="x" * 13, new_password_again="x" * 13)) == (400, expired)
    seen.shop.close()


def test_the_pages_behind_a_link_that_verifies_an_address(seen: Seen) -> None:
    browser = seen.shop.browser()
    assert run(seen.shop.pages.send_verification(seen.shop.users.find("alice")))
    link = link_in(seen.shop)
    secret = link.partition("token=")[2]
    shown = VerifyEmailPage(action="/auth/verify", form_token=TOKEN, token=secret, email="alice@mail.example")
    page = browser.open(link)
    assert seen.of(page) == (200, shown)
    assert seen.of(browser.submit(page, csrf_token="")) == (400, shown)
    verified = EmailVerifiedPage(email="alice@mail.example", continue_url="/public")
    assert seen.of(browser.submit(page)) == (200, verified)
    for expired in (browser.submit(page), browser.open(link), browser.submit(page, csrf_token="")):
        assert seen.of(expired) == (400, LinkExpiredPage())


@pytest.mark.parametrize("path", ["/login", "/logout", "/password", "/forgotten", "/reset", "/verify", "/sessions"])
def test_the_page_of_a_form_that_nobody_reads(seen: Seen, path: str) -> None:
    browser = seen.shop.logged_in()
    url = f"/auth{path}"
    told: Any = {**SHOWN, "sec_fetch_site": "same-origin"}

    def failed(failure: Failure) -> FailurePage:
        return FailurePage(failure=failure, again_url=url)

    assert seen.of(browser.post(url, {}, sec_fetch_site="cross-site")) == (403, failed(Failure.CROSS_SITE))
    for body, kind, status in ((b"a=1&a=2", FORM, 400), (b"a" * 70_000, FORM, 413), (b"{}", "application/json", 400)):
        answer = browser.ask("POST", url, body, content_type=kind, **told)
        assert seen.of(answer) == (status, failed(Failure.BAD_REQUEST))
    answer = browser.ask("PUT", url, **told)
    assert seen.of(answer) == (405, failed(Failure.NOT_FOUND))
    assert answer.header("allow") == "GET, HEAD, POST"


def test_the_page_of_a_form_for_sessions_that_is_too_old(seen: Seen) -> None:
    browser = seen.shop.logged_in()
    page = browser.open("/auth/sessions")
    for path, fields in (
        ("/auth/sessions", {**page.form.fields, "csrf_token": ""}),
        ("/auth/sessions", {**page.form.fields, "session": ""}),
        ("/auth/sessions/end-all", {}),
    ):
        expected = FailurePage(failure=Failure.FORM_EXPIRED, again_url=path)
        assert seen.of(browser.post(path, fields)) == (400, expected)


def test_the_page_while_a_store_is_down(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = seen.shop.logged_in()

    def down(*_: object) -> None:
        error = StoreUnavailable("down")
        error.retry_after = 7
        raise error

    monkeypatch.setattr(seen.shop.stores.sessions, "find_session", down)
    answer = browser.open("/auth/password")
    assert seen.of(answer) == (503, FailurePage(failure=Failure.UNAVAILABLE, again_url="/auth/password"))
    assert answer.header("retry-after") == "7"


@pytest.mark.parametrize(
    "reason, failure",
    [
        (Reason.CREDENTIAL_DUPLICATE, Failure.BAD_REQUEST),
        (Reason.SESSION_ENDED, Failure.FORM_EXPIRED),
        (Reason.SCOPE_MISSING, Failure.FORBIDDEN),
        (Reason.CROSS_SITE, Failure.CROSS_SITE),
        (Reason.TOO_MANY_ATTEMPTS, Failure.TOO_MANY),
        (Reason.UNAVAILABLE, Failure.UNAVAILABLE),
    ],
)
def test_the_page_of_a_refusal(seen: Seen, reason: Reason, failure: Failure) -> None:
    refusal = Refusal(reason, retry_after=7)
    for path, again in (("/orders", "/public"), ("/public", ""), ("/", "/public")):
        seen.shop.pages.body_of(refusal, wsgi_request(path, **SHOWN, accept_language="de"))
        assert seen.pages.pop() == FailurePage(failure=failure, retry_after=7, again_url=again)
        assert seen.languages.pop() == "de"


def test_the_texts_are_those_of_the_browser_among_the_languages_of_the_application() -> None:
    seen = Seen(languages=["de", "en"])
    for accepted, chosen in (("fr", "de"), ("en", "en"), ("", "de"), ("de-CH, en;q=0.9", "de")):
        browser = Browser(seen.shop.send)
        page = browser.open("/auth/login", accept_language=accepted)
        assert (seen.languages.pop(), f'<html lang="{chosen}"' in page.text) == (chosen, True)
        browser.post("/auth/forgotten", {**page.form.fields, "username": "alice"}, accept_language=accepted)
        assert seen.shop.mail().language == chosen
        seen.shop.clock.advance(math.ceil(seen.shop.pages.lifetimes.recovery))
    seen.shop.close()
