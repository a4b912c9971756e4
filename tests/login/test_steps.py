"""Further steps of a login: between the password and the session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from authmw import ConfigurationError, Session
from authmw.crypto.opaque_tokens import token_digest
from authmw.login import LoginPages
from authmw.stores import MemoryStores, User
from authmw.stores.session_records import Pending
from tests.login.browser import Browser, Page
from tests.login.shop import SECRET, WORLDS, Shop


class Pin:
    """A step that asks for a number, which is good once."""

    name = "pin"
    amr = "pin"
    fields: tuple[tuple[str, str], ...] = (("pin", "Your PIN"),)

    def __init__(self, *pins: str) -> None:
        self.pins = set(pins)

    def is_needed(self, user: User) -> bool:
        return user.username == "alice"

    def check(self, user: User, values: Mapping[str, str]) -> bool:
        if values["pin"] not in self.pins:
            return False
        self.pins.discard(values["pin"])
        return True


class Code(Pin):
    """Another one, on an event loop."""

    name = "code"
    amr = "otp"
    fields = (("first", "First half"), ("second", "Second half"))

    async def is_needed(self, user: User) -> bool:  # type: ignore[override] # a step may be async
        return True

    async def check(self, user: User, values: Mapping[str, str]) -> bool:  # type: ignore[override]
        return (values["first"], values["second"]) == ("12", "34")


@pytest.fixture(params=WORLDS)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    made = Shop(request.param, steps=[Pin("1111", "2222", "3333")])
    yield made
    made.close()


def password(browser: Browser, wanted: str = "/", username: str = "alice", secret: str = SECRET) -> Page:
    return browser.submit(browser.open(f"/auth/login?next={wanted}"), username=username, password=secret)


def find_nobody(_: str) -> None:
    """What a store of users answers of one who was deleted."""


def test_a_session_begins_after_the_last_step(shop: Shop) -> None:
    browser = shop.browser()
    page = password(browser, "/public")
    assert "Your PIN" in page.text
    assert "__Host-session" not in browser.jar
    assert browser.fetch("/").status == 401
    done = browser.submit(page, pin="1111")
    assert done.path == "/public"
    assert set(browser.jar) == {"__Host-session", "__Host-form"}
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert session.amr == ("pwd", "pin")
    assert len(shop.stores.pending.of_user("7")) == 0


def test_who_needs_no_step_gets_none(shop: Shop) -> None:
    assert password(shop.browser(), username="bob", secret="battery staple").text == "hello bob"


def test_a_wrong_step_begins_nothing_and_counts_as_an_attempt(shop: Shop) -> None:
    browser = shop.browser()
    page = password(browser)
    wrong = browser.submit(page, pin="0000")
    assert (wrong.status, "That is not correct" in wrong.text) == (403, True)
    while wrong.status == 403:
        wrong = browser.submit(wrong, pin="0000")
    assert wrong.status in (429, 503)
    assert "__Host-session" not in browser.jar


def test_the_steps_of_a_login_are_of_one_browser_and_used_once(shop: Shop) -> None:
    browser, other = shop.browser(), shop.browser()
    page = password(browser)
    other.open("/auth/login")
    assert other.post(page.form.action, {**page.form.fields, "pin": "1111"}).header("location") == "/auth/login"
    jar = dict(browser.jar)
    browser.submit(page, pin="1111")
    again = shop.browser()
    again.jar = jar
    assert again.post(page.form.action, {**page.form.fields, "pin": "2222"}).header("location") == "/auth/login"
    assert len(shop.stores.sessions.sessions_of("7", shop.clock())) == 1


@pytest.mark.parametrize("change", ["disable", "set_password", "no password", "delete", "wait"])
def test_a_login_that_is_under_way_ends_with_the_user_the_password_and_by_itself(shop: Shop, change: str) -> None:
    browser = shop.browser()
    page = password(browser)
    if change == "wait":
        shop.clock.advance(600)
    elif change == "disable":
        shop.users.disable("alice")
    elif change == "no password":
        alice = replace(shop.users.find("alice"), password_hash=None)
        shop.users.find_by_id = {"7": alice}.__getitem__
    elif change == "delete":
        shop.users.find_by_id = find_nobody
    else:
        shop.users.set_password("alice", "another secret")
    answer = browser.post(page.form.action, {**page.form.fields, "pin": "1111"})
    assert (answer.status, answer.header("location")) == (303, "/auth/login")
    assert "__Host-login" not in browser.jar


@pytest.mark.parametrize("cookie", ["", "x", "ls_" + "0" * 38, "é"])
def test_without_a_login_under_way_there_is_no_step(shop: Shop, cookie: str) -> None:
    browser = shop.browser()
    browser.jar = {"__Host-login": cookie}
    assert browser.open("/auth/login/step", follow=False).header("location") == "/auth/login"


def test_a_login_that_a_change_overtakes_at_its_last_step_begins_no_session(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        shop.users.disable("alice")
        add(session)

    shop.stores.sessions.add_session = overtaken
    browser = shop.browser()
    page = password(browser)
    with caplog.at_level("INFO", "authmw.login"):
        answer = browser.post(page.form.action, {**page.form.fields, "pin": "1111"})
    assert (answer.status, answer.header("location")) == (303, "/auth/login")
    assert browser.jar.keys() == {"__Host-form"}
    assert "was overtaken by a change of its user" in caplog.text


def test_a_form_of_another_step_is_too_old(shop: Shop) -> None:
    browser = shop.browser()
    page = password(browser)
    assert browser.post(page.form.action, {**page.form.fields, "step": "code", "pin": "1111"}).status == 400
    assert browser.submit(page, pin="").status == 400
    assert browser.submit(page, pin="1111").text == "hello alice"


def test_several_steps_in_order() -> None:
    shop = Shop("starlette", steps=[Pin("1111"), Code()])
    browser = shop.browser()
    page = browser.submit(password(browser), pin="1111")
    assert "First half" in page.text
    assert "__Host-session" not in browser.jar
    assert browser.submit(page, first="12", second="35").status == 403
    assert browser.submit(page, first="12", second="34").text == "hello alice"
    assert "Second half" in password(shop.browser(), username="bob", secret="battery staple").text
    shop.close()


def test_a_session_tells_of_no_step_that_its_user_did_not_pass() -> None:
    shop = Shop("starlette", steps=[Pin("1111"), Code()])
    browser = shop.browser()
    browser.submit(password(browser, username="bob", secret="battery staple"), first="12", second="34")
    (session,) = shop.stores.sessions.sessions_of("8", shop.clock())
    assert session.amr == ("pwd", "otp")
    shop.close()


def test_a_way_to_prove_it_is_named_once_however_many_steps_use_it() -> None:
    class Again(Pin):
        name = "again"

    shop = Shop(steps=[Pin("1111"), Again("2222")])
    browser = shop.browser()
    browser.submit(browser.submit(password(browser), pin="1111"), pin="2222")
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert session.amr == ("pwd", "pin")
    shop.close()


@pytest.mark.parametrize("remember", ["", "yes"])
def test_a_session_after_steps_is_as_old_as_the_password_and_remembered_as_it_was_asked(
    shop: Shop, remember: str
) -> None:
    browser, began = shop.browser(), shop.clock()
    page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET, remember=remember)
    shop.clock.advance(599)
    browser.submit(page, pin="1111")
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert (session.authenticated_at, session.created_at, session.last_used_at) == (began, began, began + 599)
    assert session.remembered is (remember == "yes")


def test_what_was_proved_is_kept_until_the_last_step_and_no_longer_than_the_first_one_said() -> None:
    shop = Shop("starlette", steps=[Pin("1111"), Code()])
    browser, began = shop.browser(), shop.clock()
    page = browser.open("/auth/login?next=/public")
    fields = {**page.form.fields, "username": "alice", "password": SECRET, "remember": "yes"}
    answer = browser.post(page.form.action, fields)
    value = browser.jar["__Host-login"]
    assert (answer.status, answer.header("location")) == (303, "/auth/login/step")
    cookie = f"__Host-login={value}; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert answer.cookies() == {"__Host-login": cookie}
    data = {
        "began": repr(began),
        "remember": "yes",
        "next": "/public",
        "passed": "[]",
        "mark": token_digest(shop.users.find("alice").password_hash),
    }
    kept = Pending(token_digest(value), "login", "7", began + 600, data)
    assert shop.stores.pending.of_user("7") == (kept,)
    shop.clock.advance(30)
    page = browser.open("/auth/login/step")
    answer = browser.post(page.form.action, {**page.form.fields, "pin": "1111"})
    assert (answer.status, answer.header("location"), answer.cookies()) == (303, "/auth/login/step", {})
    assert shop.stores.pending.of_user("7") == (replace(kept, data={**data, "passed": '["pin"]'}),)
    shop.clock.advance(569)
    page = browser.open("/auth/login/step")
    answer = browser.post(page.form.action, {**page.form.fields, "first": "12", "second": "34"})
    assert (answer.status, answer.header("location")) == (303, "/public")
    assert answer.cookies().keys() == {"__Host-session", "__Host-login"}
    assert shop.stores.pending.of_user("7") == ()
    shop.close()


def test_two_tabs_that_pass_the_last_step_begin_one_session(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shop.browser()
    page = password(browser)
    take = shop.stores.pending.take_pending

    def taken_by_the_other(*asked: Any) -> None:
        take(*asked)
        assert take(*asked) is None

    monkeypatch.setattr(shop.stores.pending, "take_pending", taken_by_the_other)
    answer = browser.post(page.form.action, {**page.form.fields, "pin": "1111"})
    assert (answer.status, answer.header("location")) == (303, "/auth/login")
    assert browser.jar.keys() == {"__Host-form"}
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()


def test_the_steps_of_a_login_end_where_the_browser_has_two_cookies_of_them(shop: Shop) -> None:
    browser = shop.browser()
    password(browser)
    browser.jar[""] = f"__Host-login={browser.jar['__Host-login']}"
    assert browser.open("/auth/login/step", follow=False).header("location") == "/auth/login"


def test_a_login_ends_whose_next_step_nobody_asks_for_any_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shop.browser()
    page = password(browser)

    def not_any_more(*_: object) -> bool:
        return False

    monkeypatch.setattr(Pin, "is_needed", not_any_more)
    assert browser.open("/auth/login/step", follow=False).header("location") == "/auth/login"
    browser.jar["__Host-login"] = "x"
    assert browser.post(page.form.action, {**page.form.fields, "pin": "1111"}).header("location") == "/auth/login"
    assert "__Host-session" not in browser.jar


@pytest.mark.parametrize("given", [{}, {"first": "12"}, {"second": "34"}, {"first": "12", "second": ""}])
def test_a_step_is_checked_once_each_of_its_fields_is_filled_in(given: dict[str, str]) -> None:
    class Strict(Code):
        asked = 0

        async def check(self, user: User, values: Mapping[str, str]) -> bool:  # type: ignore[override]
            self.asked += 1
            return await super().check(user, values)

    code = Strict()
    shop = Shop("starlette", steps=[code])
    browser = shop.browser()
    page = password(browser)
    fields = {name: value for name, value in page.form.fields.items() if name not in ("first", "second")}
    assert browser.post(page.form.action, {**fields, **given}).status == 400
    assert (code.asked, "__Host-session" in browser.jar) == (0, False)
    assert browser.submit(page, first="12", second="34").status == 200
    assert code.asked == 1
    shop.close()


def test_a_step_that_answers_no_bool_or_fails_lets_nobody_in() -> None:
    class Truthy(Pin):
        def check(self, user: User, values: Mapping[str, str]) -> Any:
            return "yes"

    class Broken(Pin):
        def check(self, user: User, values: Mapping[str, str]) -> bool:
            raise OSError("s3cret")

    class Unsure(Pin):
        def is_needed(self, user: User) -> Any:
            return None

    for step, status in ((Truthy(), 403), (Broken(), 503)):
        shop = Shop(steps=[step])
        browser = shop.browser()
        answer = browser.submit(password(browser), pin="1111")
        assert answer.status == status
        assert "__Host-session" not in browser.jar
        shop.close()
    shop = Shop(steps=[Unsure()])
    browser = shop.browser()
    assert password(browser).status == 500  # a mistake of the application
    assert "__Host-session" not in browser.jar
    shop.close()


def test_mistakes_in_steps_are_refused() -> None:
    stores = MemoryStores()
    for steps, said in (
        ([Pin], "steps="),
        ([object()], "steps="),
        ([object(), object()], "it needs name"),
        ([Pin(), Pin()], "twice"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            LoginPages(Session(stores), stores, steps=steps)  # type: ignore[arg-type] # on purpose
