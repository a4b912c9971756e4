"""Logging in and out with a browser."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from authmw.crypto.chained_tokens import SessionToken
from authmw.crypto.opaque_tokens import token_digest
from authmw.events import Event, LoginFailed, on_event
from authmw.flow.flow import run
from authmw.login import SessionLifetimes
from authmw.stores.records import Attempt, Revocation
from authmw.stores.session_records import BrowserSession
from tests.login.browser import Browser, Page, to_wsgi
from tests.login.shop import SECRET, Shop
from tests.requests import asgi_request, wsgi_request


def without_tokens(page: Page) -> str:
    """The text of a page, without what differs each time."""
    return re.sub(r'(name="csrf_token" )?value="[^"]*"', "", page.text)


def test_a_stranger_who_opens_a_page_logs_in_and_gets_there(shop: Shop) -> None:
    browser = shop.browser()
    asked = browser.open("/?page=2", follow=False)
    assert (asked.status, asked.header("location")) == (303, "/auth/login?next=/%3Fpage%3D2")
    page = browser.open("/?page=2")
    assert page.status == 200
    answer = browser.post(page.form.action, {**page.form.fields, "username": "alice", "password": SECRET})
    assert (answer.status, answer.header("location")) == (303, "/?page=2")
    assert "Max-Age" not in answer.cookies()["__Host-session"]
    assert browser.open("/").text == "hello alice"
    assert browser.fetch("/").text == "hello alice"


def test_a_script_and_a_program_get_the_401_of_before(shop: Shop) -> None:
    for page in (shop.browser().fetch("/"), shop.browser().ask("GET", "/", accept="*/*")):
        assert page.status == 401
        assert page.header("content-type") == "application/problem+json"
    assert shop.browser().ask("GET", "/", authorization="Bearer t0ken").text == "hello robot"


def test_a30_an_unknown_user_and_a_wrong_password_get_the_same_page(shop: Shop) -> None:
    answers = list[Page]()
    for username, password in (("alice", "wrong"), ("nobody", "wrong"), ("bob\x7f", "wrong"), ("x" * 300, "wrong")):
        browser = shop.browser()
        answers.append(browser.submit(browser.open("/auth/login"), username=username, password=password))
        assert "__Host-session" not in browser.jar
    assert {page.status for page in answers} == {403}
    assert len({without_tokens(page) for page in answers}) == 1
    assert "Error" in answers[0].text


def test_an_account_that_is_guessed_at_makes_wait(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    while page.status in (200, 403):
        page = browser.submit(browser.open("/auth/login"), username="alice", password="wrong")
    assert page.status in (429, 503)
    assert int(page.header("retry-after")) > 0
    assert "too many attempts" in page.text


def test_each_login_is_counted_also_with_a_password_that_was_right_a_moment_ago(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    reserve = shop.stores.throttle.reserve

    def noted(attempt: Attempt, *more: Any) -> Any:
        counted.append(attempt.account)
        return reserve(attempt, *more)

    monkeypatch.setattr(shop.stores.throttle, "reserve", noted)
    for _ in range(3):
        shop.logged_in()
    assert counted == ["account:alice"] * 3


def test_who_asks_to_be_remembered_is(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    answer = browser.post(
        page.form.action, {**page.form.fields, "username": "alice", "password": SECRET, "remember": "yes"}
    )
    assert "; Max-Age=2592000;" in answer.cookies()["__Host-session"]
    shop.clock.advance(days=13)
    assert browser.open("/").text == "hello alice"


def test_an_idle_session_ends_and_its_cookie_is_cleared(shop: Shop) -> None:
    browser = shop.logged_in()
    shop.clock.advance(hours=2, minutes=13)
    assert browser.open("/public").text == "hello stranger"
    assert "__Host-session" not in browser.jar


def test_27_the_session_is_another_one_after_a_login(shop: Shop) -> None:
    # Fixation: bob's browser has a session that mallory knows.
    attacker = shop.logged_in("bob", "battery staple")
    victim = shop.browser()
    victim.jar.update(attacker.jar)
    page = victim.open("/auth/login?reauthenticate=1")
    victim.submit(page, username="alice", password=SECRET)
    assert victim.open("/").text == "hello alice"
    assert victim.jar["__Host-session"] != attacker.jar["__Host-session"]
    assert attacker.open("/", follow=False).status == 303


def test_a_login_of_the_same_user_renews_the_session_and_its_other_requests_go_on(shop: Shop) -> None:
    browser = shop.logged_in()
    before = dict(browser.jar)
    shop.clock.advance(minutes=5)
    page = browser.open("/auth/login?reauthenticate=1")
    assert "alice" in page.text
    browser.submit(page, username="alice", password=SECRET)
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert session.authenticated_at == shop.clock()
    assert session.created_at == shop.clock() - 300
    other = shop.browser()
    other.jar = dict(before)
    assert other.fetch("/").text == "hello alice"
    assert other.jar == before
    other.jar = dict(before)
    shop.clock.advance(31)
    assert other.open("/", follow=False).status == 303


def test_who_proves_the_password_again_stays_remembered_and_who_comes_after_is_not(shop: Shop) -> None:
    browser = shop.logged_in(remember="yes")
    for username, password, key, is_remembered in (("alice", SECRET, "7", True), ("bob", "battery staple", "8", False)):
        page = browser.open("/auth/login?reauthenticate=1")
        browser.post(page.form.action, {**page.form.fields, "username": username, "password": password})
        (session,) = shop.stores.sessions.sessions_of(key, shop.clock())
        assert session.remembered is is_remembered


def test_a_login_that_begins_no_session_leaves_the_one_that_was_there(shop: Shop) -> None:
    bob = shop.logged_in("bob", "battery staple")
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        shop.stores.revocations.publish(Revocation.of_user("7", shop.clock()))
        add(session)

    shop.stores.sessions.add_session = overtaken
    page = bob.open("/auth/login?reauthenticate=1")
    answer = bob.post(page.form.action, {**page.form.fields, "username": "alice", "password": SECRET})
    assert answer.status == 403
    assert bob.open("/").text == "hello bob"


def test_a_program_may_log_out_who_has_no_session(shop: Shop) -> None:
    name, value = run(shop.pages.log_out(wsgi_request()))
    assert name == "Set-Cookie"
    assert value.startswith("__Host-session=;")


def test_who_is_logged_in_is_sent_on(shop: Shop) -> None:
    browser = shop.logged_in()
    assert browser.open("/auth/login?next=/public", follow=False).header("location") == "/public"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example"])
def test_26_next_leads_to_no_other_host(shop: Shop, wanted: str) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    fields = {**page.form.fields, "username": "alice", "password": SECRET, "next": wanted}
    assert browser.post(page.form.action, fields).header("location") == "/"


def test_logging_out_asks_and_ends_the_session(shop: Shop) -> None:
    browser = shop.logged_in()
    copy = shop.browser()
    copy.jar = dict(browser.jar)
    page = browser.open("/auth/logout")
    assert copy.open("/").text == "hello alice"  # a link ends nothing
    done = browser.submit(page)
    assert "You are logged out" in done.text
    assert "__Host-session" not in browser.jar
    assert copy.open("/", follow=False).status == 303
    assert browser.open("/", follow=False).status == 303


def test_logging_out_with_a_value_that_was_replaced_ends_the_session(shop: Shop) -> None:
    browser, tab = shop.logged_in(), shop.browser()
    tab.jar = dict(browser.jar)
    shop.clock.advance(minutes=2)
    shop.users.set_scopes("alice", ["orders:write"])
    browser.open("/")
    assert browser.jar["__Host-session"] != tab.jar["__Host-session"]
    tab.submit(tab.open("/auth/logout"))
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()
    assert browser.open("/", follow=False).status == 303


def test_logging_out_ends_both_sessions_of_a_browser_that_sends_two(shop: Shop) -> None:
    values = [shop.logged_in(*who).jar["__Host-session"] for who in (("alice", SECRET), ("bob", "battery staple"))]
    sent: Any = {"cookie": "; ".join(f"__Host-session={value}" for value in values)}
    run(shop.pages.log_out(wsgi_request(**sent)))
    assert [shop.stores.sessions.sessions_of(each, shop.clock()) for each in ("7", "8")] == [(), ()]


def test_logging_out_with_a_value_that_was_never_given_out_ends_nothing(shop: Shop) -> None:
    browser, other = shop.logged_in(), shop.browser()
    token = SessionToken.parse(browser.jar["__Host-session"])
    assert token is not None
    other.jar = {"__Host-session": token.successor("ab" * 32).text}
    other.post("/auth/logout", {})
    assert browser.open("/").text == "hello alice"


def test_logging_out_with_the_value_of_a_session_that_is_deleted_clears_the_cookie(shop: Shop) -> None:
    browser, alice = shop.browser(), shop.logged_in()
    value = SessionToken.new().text
    browser.jar = {"__Host-session": value}
    answer = browser.post("/auth/logout", {})
    assert (answer.status, browser.jar) == (303, {})
    sent: Any = {"cookie": f"__Host-session={value}; __Host-session={alice.jar['__Host-session']}"}
    assert run(shop.pages.log_out(wsgi_request(**sent))) == shop.session.cleared
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()


def test_logging_out_is_done_again_without_a_session(shop: Shop) -> None:
    browser = shop.browser()
    answer = browser.post("/auth/logout", {})
    assert (answer.status, answer.header("location")) == (303, "/auth/logout")


def test_a_session_that_ended_elsewhere_ends_in_each_tab(shop: Shop) -> None:
    browser = shop.logged_in()
    shop.stores.users.disable("alice")
    shop.follow()
    assert browser.fetch("/").status == 401
    assert "__Host-session" not in browser.jar


def test_a_login_that_a_change_overtakes_begins_no_session(shop: Shop) -> None:
    """The user is disabled after the password was verified and before the session is stored."""
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        shop.stores.users.disable("alice")
        add(session)

    shop.stores.sessions.add_session = overtaken
    browser = shop.browser()
    page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET)
    assert page.status == 403
    assert "__Host-session" not in browser.jar
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()


@pytest.mark.parametrize("way", ["disabled", "deleted"])
def test_a_login_of_a_user_who_is_gone_by_its_end_begins_no_session_also_without_a_revocation(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    alice = replace(shop.users.find("alice"), disabled=True)

    def find_gone(_: str) -> Any:
        return alice if way == "disabled" else None

    monkeypatch.setattr(shop.users, "find_by_id", find_gone)
    browser = shop.browser()
    assert browser.submit(browser.open("/auth/login"), username="alice", password=SECRET).status == 403
    assert browser.jar.keys() == {"__Host-form"}
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()


def test_each_failed_login_is_told_without_the_name(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    browser = shop.browser()
    with caplog.at_level("INFO", "authmw.login"):
        browser.submit(browser.open("/auth/login"), username="alice", password="wrong")
    (record,) = [each.getMessage() for each in caplog.records if each.name == "authmw.login"]
    assert "login failed" in record
    assert "alice" not in record


def test_a_login_and_a_logout_are_told_with_the_session(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "authmw.login"):
        browser = shop.logged_in()
        (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
        browser.submit(browser.open("/auth/logout"))
    told = [vars(each)["authmw"] for each in caplog.records if each.name == "authmw.login"]
    for record, event in zip(told, ("logged in", "logged out"), strict=True):
        assert record == {"event": event, "source": "192.0.2.7", "principal": "7", "session": session.id}


def test_an_application_in_debug_mode_alone_tells_logins_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def is_written(*_: object, debug: bool) -> bool:
        asked.append(debug)
        return False

    monkeypatch.setattr("authmw.login.told.log.is_written", is_written)
    shop = Shop("flask")
    for debug in (False, True):
        app = shop.flask()
        app.debug = debug
        browser = Browser(to_wsgi(app))
        browser.submit(browser.open("/auth/login"), username="alice", password="wrong")
    assert asked == [False, True]
    shop.close()


@pytest.mark.parametrize("debug", [False, True])
def test_a_view_of_an_application_in_debug_mode_tells_its_logins_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    asked: list[bool] = []

    def is_written(*_: object, debug: bool) -> bool:
        asked.append(debug)
        return False

    monkeypatch.setattr("authmw.login.told.log.is_written", is_written)
    shop, request = Shop("starlette"), asgi_request()
    request.scope["app"] = SimpleNamespace(debug=debug)
    run(shop.pages.log_in(request, "7"))
    assert asked == [debug]
    shop.close()


@pytest.mark.parametrize("query", ["reauthenticate=0", "reauthenticate=", "reauthenticate=1&reauthenticate=1", "%ff"])
def test_only_a_page_that_asks_for_it_makes_log_in_again(shop: Shop, query: str) -> None:
    answer = shop.logged_in().open(f"/auth/login?{query}", follow=False)
    assert (answer.status, answer.header("location")) == (303, "/")


def test_who_is_logged_in_already_goes_where_the_page_was_to_lead(shop: Shop) -> None:
    browser = shop.logged_in()
    for target, location in (("/auth/login", "/"), ("/auth/login?next=/public", "/public")):
        assert browser.open(target, follow=False).header("location") == location
    stranger = shop.browser()
    assert stranger.open("/auth/login").form.fields.get("next", "") == ""


def test_the_page_of_a_new_proof_has_the_name_of_the_user_and_asks_nothing_else(shop: Shop) -> None:
    browser = shop.logged_in()
    page = browser.open("/auth/login?reauthenticate=1")
    wrong = browser.submit(page, username="bob", password="wrong")
    assert wrong.status == 403
    for each in (page, wrong):
        assert each.form.fields["username"] == "alice"
        assert "bob" not in without_tokens(each), "which are random"
        assert 'name="remember"' not in each.text
    assert 'name="remember"' in shop.browser().open("/auth/login").text


def test_a_login_that_a_revocation_overtakes_begins_no_session(shop: Shop) -> None:
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        shop.stores.revocations.publish(Revocation.of_user("7", shop.clock()))
        add(session)

    shop.stores.sessions.add_session = overtaken
    browser = shop.browser()
    assert browser.submit(browser.open("/auth/login"), username="alice", password=SECRET).status == 403


def test_the_store_has_digests_only(shop: Shop) -> None:
    browser = shop.logged_in()
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert session.current == token_digest(browser.jar["__Host-session"])
    assert browser.jar["__Host-session"] not in repr(shop.stores.sessions.of_user("7"))
    assert browser.jar["__Host-session"] not in str(list(map(asdict, shop.stores.sessions.of_user("7"))))
    assert session.name == "Firefox"
    assert session.amr == ("pwd",)


@pytest.mark.parametrize("remember", [False, True])
def test_a_session_is_kept_with_all_that_is_known_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, remember: bool
) -> None:
    find, began = shop.pages.password.find, shop.clock()

    def slow(*args: Any) -> Any:
        found = yield from find(*args)
        shop.clock.advance(5)
        return found

    monkeypatch.setattr(shop.pages.password, "find", slow)
    browser = shop.logged_in(remember="yes" if remember else "")
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    token = SessionToken.parse(browser.jar["__Host-session"])
    assert token is not None
    idle_for = 1_330_560 if remember else 7_920
    assert re.fullmatch("session_[0-9A-Za-z]{12}", session.id)
    assert session == BrowserSession(
        id=session.id,
        key=token.key,
        current=token.digest,
        subject="7",
        scopes=frozenset({"orders:read"}),
        created_at=began,
        authenticated_at=began,
        expires_at=began + (30 * 86_400 if remember else 43_200),
        idle_for=idle_for,
        idle_until=began + 5 + idle_for,
        last_used_at=began + 5,
        amr=("pwd",),
        remembered=remember,
        name="Firefox",
    )


def test_a_session_that_is_not_used_ends_with_its_absolute_end_at_the_latest() -> None:
    shop = Shop(lifetimes=SessionLifetimes(idle=100, absolute=100))
    shop.logged_in()
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert (session.idle_for, session.idle_until, session.expires_at) == (110, shop.clock() + 100, shop.clock() + 100)
    shop.close()


def test_a_session_that_a_login_renews_is_the_one_of_before_with_another_cookie(shop: Shop) -> None:
    browser = shop.logged_in()
    (before,) = shop.stores.sessions.sessions_of("7", shop.clock())
    shop.clock.advance(minutes=5)
    shop.users.set_scopes("alice", ["orders:write"])
    browser.submit(browser.open("/auth/login?reauthenticate=1"), username="alice", password=SECRET)
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    token = SessionToken.parse(browser.jar["__Host-session"])
    assert token is not None
    used = {"idle_until": session.idle_until, "last_used_at": session.last_used_at}
    assert session == replace(
        before,
        current=token.digest,
        previous=before.current,
        salt="",
        scopes=frozenset({"orders:write"}),
        authenticated_at=shop.clock(),
        renewed_at=shop.clock(),
        **used,
    )
    assert session.last_used_at in (before.last_used_at, shop.clock())


def test_a_password_that_is_replaced_while_its_login_is_under_way_begins_no_session(shop: Shop) -> None:
    """The store tells of no revocation yet: it shows the change before it shows what ended by it."""
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        add(session)
        user = shop.users.find("alice")
        shop.users.change_password_hash("7", user.password_hash, shop.users.find("bob").password_hash)

    shop.stores.sessions.add_session = overtaken
    browser = shop.browser()
    assert browser.submit(browser.open("/auth/login"), username="alice", password=SECRET).status == 403
    assert browser.jar.keys() == {"__Host-form"}
    assert shop.stores.sessions.sessions_of("7", shop.clock()) == ()


def test_the_cookies_of_a_login_are_for_this_host_and_no_script(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    assert re.fullmatch("[0-9A-Za-z]{30}", browser.jar["__Host-form"])
    attributes = "Path=/; Secure; HttpOnly; SameSite=Lax"
    assert page.cookies() == {"__Host-form": f"__Host-form={browser.jar['__Host-form']}; {attributes}"}
    answer = browser.post(page.form.action, {**page.form.fields, "username": "alice", "password": SECRET})
    assert answer.cookies() == {"__Host-session": f"__Host-session={browser.jar['__Host-session']}; {attributes}"}
    page = browser.open("/auth/logout")
    gone = browser.post(page.form.action, page.form.fields)
    assert gone.cookies() == {"__Host-session": f"__Host-session=; Max-Age=0; {attributes}"}
    for each in (answer, gone):
        told = {name.lower(): value for name, value in each.headers if name.lower() != "set-cookie"}
        wanted = {"content-length": "0", "cache-control": "no-store", "referrer-policy": "no-referrer"}
        assert {name: told[name] for name in wanted} == wanted
        assert (each.status, each.body) == (303, b"")


def test_a_failed_login_is_an_event(shop: Shop) -> None:
    told: list[Event] = []
    stop = on_event(told.append, inline=True)
    browser = shop.browser()
    browser.submit(browser.open("/auth/login"), username="alice", password="wrong")
    stop()
    (failed,) = [event for event in told if isinstance(event, LoginFailed)]
    assert failed.code == "authmw.password-wrong"
