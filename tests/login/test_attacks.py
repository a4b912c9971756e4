"""Attacks on logins: copied cookies, old links, races with a new password, and stores that fail in the middle."""

from __future__ import annotations

import re
from typing import Any

import pytest

from authmw import Auth, Session
from authmw.engine.authentication import Authentication
from authmw.flow.flow import run
from authmw.login.paths import PATHS
from authmw.login.service import HANDLERS
from authmw.stores import Revocation
from tests.login.browser import Browser, path_of, to_wsgi
from tests.login.shop import SECRET, WORLDS, Shop, World
from tests.login.test_passwords import NEW, change, link_in
from tests.requests import wsgi_request


def copy_of(browser: Browser, shop: Shop) -> Browser:
    """Another browser that has the cookies of `browser`."""
    copy = shop.browser("curl")
    copy.jar = dict(browser.jar)
    return copy


def log_in_again(browser: Browser) -> None:
    browser.submit(browser.open("/auth/login?reauthenticate=1"), username="alice", password=SECRET)


@pytest.mark.parametrize("is_remembered", [False, True])
def test_who_copied_a_cookie_does_not_get_the_one_that_comes_of_a_login(shop: Shop, is_remembered: bool) -> None:
    browser = shop.logged_in()
    thief = copy_of(browser, shop)
    before = dict(thief.jar)
    if not is_remembered:
        shop.clock.advance(minutes=2)
    log_in_again(browser)
    for _ in range(5):
        thief.open("/", follow=False)
        thief.open("/auth/sessions", follow=False)
        assert thief.jar == before
        shop.clock.advance(7)
    assert thief.open("/", follow=False).status == 303
    assert thief.open("/auth/sessions", follow=False).status == 303
    assert browser.open("/").text == "hello alice"


def test_a_new_password_ends_a_copy_of_the_cookie_at_once_in_every_process(shop: Shop) -> None:
    browser = shop.logged_in()
    thief = copy_of(browser, shop)
    (websocket,) = found_by(shop.auth, browser).validities
    elsewhere = Session(shop.stores, clock=shop.clock)
    assert elsewhere.feed is not None
    other_process = Auth(elsewhere, clock=shop.clock)
    elsewhere.feed.follow_once()
    assert found_by(other_process, thief).principal.is_authenticated
    shop.clock.advance(5)
    change(browser)
    elsewhere.feed.follow_once()
    assert not found_by(other_process, thief).principal.is_authenticated
    assert not found_by(shop.auth, thief).principal.is_authenticated
    assert websocket.revocations is not None
    assert websocket.issuance is not None
    assert websocket.revocations.refuses(websocket.issuance)
    assert thief.open("/", follow=False).status == 303
    assert browser.open("/").text == "hello alice"
    assert found_by(other_process, browser).principal.is_authenticated
    elsewhere.feed.close()


def found_by(auth: Auth, browser: Browser) -> Authentication:
    """What `auth` finds by the session of `browser`."""
    headers: Any = {"cookie": f"__Host-session={browser.jar['__Host-session']}"}
    found = auth.authenticate(wsgi_request(**headers))
    assert isinstance(found, Authentication)
    return found


def test_a_copied_cookie_does_not_pass_for_a_recent_login(shop: Shop) -> None:
    browser = shop.logged_in()
    thief = copy_of(browser, shop)
    began = shop.clock()
    shop.clock.advance(minutes=10)
    log_in_again(browser)
    told = {}
    for name, each in (("owner", browser), ("thief", thief)):
        found = found_by(shop.auth, each)
        told[name] = (found.principal.auth_time, found.principal.claims["amr"])
    assert told == {"owner": (shop.clock(), ["pwd"]), "thief": (began, [])}


def test_two_logins_at_the_same_time_leave_no_dead_cookie_behind(shop: Shop) -> None:
    browser = shop.logged_in()
    other = copy_of(browser, shop)
    first = browser.open("/auth/login?reauthenticate=1")
    log_in_again(other)
    browser.submit(first, username="alice", password=SECRET)
    assert browser.open("/").text == "hello alice"


def test_an_attribute_of_a_user_is_no_level_of_a_login(shop: Shop) -> None:
    named = {"acr": "gold", "amr": ["otp"], "auth_time": 9e9, "sid": "another", "team": "blue"}
    shop.users.create("carol", "carol's secret", id="9", attributes=named)
    browser = shop.logged_in("carol", "carol's secret")
    found = found_by(shop.auth, browser)
    principal = found.principal
    assert (principal.acr, principal.amr, principal.auth_time) == ("", ("pwd",), shop.clock())
    assert principal.claims["team"] == "blue"


@pytest.mark.parametrize("address", ["new@mail.example", ""])
def test_a_link_to_an_earlier_mailbox_opens_nothing(shop: Shop, address: str) -> None:
    browser = shop.browser()
    browser.submit(browser.open("/auth/forgotten"), username="alice")
    recovery = link_in(shop)
    run(shop.pages.send_verification(shop.users.find("alice")))
    verification = link_in(shop)
    form = browser.open(recovery)
    assert form.status == 200
    shop.users.set_email("alice", address)
    for link in (recovery, verification):
        page = browser.open(link)
        assert (page.status, "new@mail.example" in page.text) == (400, False)
    answer = browser.submit(form, new_password=NEW, new_password_again=NEW)
    assert answer.status == 400
    assert shop.logged_in().open("/").text == "hello alice"


def test_a_link_is_dead_before_its_form_is_shown_once_there_is_another_password(shop: Shop) -> None:
    browser = shop.logged_in()
    visitor = shop.browser()
    visitor.submit(visitor.open("/auth/forgotten"), username="alice")
    link = link_in(shop)
    kept = dict(shop.stores.pending._kept)
    change(browser)
    shop.stores.pending._kept.update(kept)  # as if the process had been killed before it dropped the link
    assert visitor.open(link).status == 400


def test_the_old_password_does_not_replace_one_that_was_set_while_it_was_checked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = shop.logged_in()
    prove = shop.pages.password.prove

    def slow(*args: Any) -> Any:
        found = yield from prove(*args)
        shop.users.set_password("alice", "the owner's new one")
        return found

    monkeypatch.setattr(shop.pages.password, "prove", slow)
    assert change(thief).status == 403
    shop.clock.advance(1)
    assert shop.logged_in(password="the owner's new one").open("/").text == "hello alice"


def test_a_session_that_is_revoked_and_not_ended_yet_opens_no_login_page(shop: Shop) -> None:
    thief = shop.logged_in()
    before = dict(thief.jar)
    shop.clock.advance(5)
    shop.stores.revocations.publish(Revocation.of_user("7", shop.clock()))  # and the process was killed behind that
    shop.follow()
    assert thief.open("/auth/sessions", follow=False).status == 303
    assert thief.open("/auth/login").status == 200
    thief.jar = before
    assert thief.open("/", follow=False).status == 303


@pytest.mark.parametrize("path", ["//auth/login", "//auth/sessions", "//auth/logout"])
def test_links_of_a_page_never_lead_to_a_host_that_the_path_names(path: str) -> None:
    shop = Shop("flask")
    app = shop.flask()

    def joining_slashes(environ: Any, start_response: Any) -> Any:  # as gunicorn does
        return app({**environ, "PATH_INFO": environ["PATH_INFO"].replace("//", "/")}, start_response)

    page = Browser(to_wsgi(joining_slashes)).open(path, follow=False)
    links = re.findall(r'(?:action|href)="([^"]*)"', page.text) + [page.header("location")] * (page.status == 303)
    assert links
    assert all(each.startswith("/auth/") for each in links), links
    shop.close()


@pytest.mark.parametrize("world", WORLDS)
def test_pages_know_the_caller_where_the_application_sees_no_credentials(world: World) -> None:
    shop = Shop(world, hide_credentials=True)
    browser = shop.logged_in()
    assert [browser.open(f"/auth{path}", follow=False).status for path in ("/sessions", "/password")] == [200, 200]
    value = browser.jar["__Host-session"]
    browser.submit(browser.open("/auth/logout"))
    browser.jar["__Host-session"] = value
    assert browser.open("/", follow=False).status == 303
    shop.close()


def test_adapters_know_the_path_of_every_page(shop: Shop) -> None:
    assert tuple(HANDLERS) == PATHS
    assert set(shop.pages.paths) == {*PATHS} - {"/login/step"}


def test_a_password_is_changed_by_a_browser_whose_rights_changed_a_moment_ago(shop: Shop) -> None:
    browser = shop.logged_in()
    page = browser.open("/auth/password")
    tab = copy_of(browser, shop)
    shop.clock.advance(minutes=2)
    shop.users.set_scopes("alice", ["orders:write"])
    tab.open("/")
    assert tab.jar != browser.jar
    assert browser.submit(page, old_password=SECRET, new_password=NEW, new_password_again=NEW).status == 200
    assert browser.open("/").text == "hello alice"
    assert tab.jar["__Host-session"] != browser.jar["__Host-session"]


def test_nobody_fills_a_mailbox_whatever_the_number_of_sources_and_spellings() -> None:
    shop = Shop("flask")
    app, sources = shop.flask(), iter(range(1, 250))

    def from_anywhere(environ: Any, start_response: Any) -> Any:
        return app({**environ, "REMOTE_ADDR": f"203.{next(sources)}.113.7"}, start_response)

    browser = Browser(to_wsgi(from_anywhere))
    form = browser.open("/auth/forgotten").form
    names = ["alice", "alice@mail.example", "Alice@MAIL.example"]
    for minute in range(58):
        answer = browser.post(form.action, {**form.fields, "username": names[minute % 3]})
        assert answer.status == 200
        shop.clock.advance(minutes=1)
    shop.mail()
    assert len(shop.mails) == 3
    for mail in shop.mails:
        assert shop.browser().open(path_of(re.findall(r"https://\S+", mail.text)[0])).status == 200
    shop.clock.advance(hours=1)
    browser.post(form.action, {**form.fields, "username": "alice"})
    shop.mail()
    assert len(shop.mails) == 4
    shop.close()


def test_a_cookie_that_another_host_adds_shows_the_login_and_closes_no_public_page(shop: Shop) -> None:
    browser, attacker = shop.logged_in(), shop.logged_in("bob", "battery staple")
    browser.jar[""] = f"__Host-session={attacker.jar['__Host-session']}"
    assert browser.open("/public", follow=False).text == "hello stranger"
    page = browser.open("/")
    assert (page.status, page.path) == (200, "/auth/login?next=/")
    assert browser.fetch("/").status == 401


def test_a_cookie_that_a_reset_clears_is_that_of_no_session_any_more(shop: Shop) -> None:
    bob = shop.logged_in("bob", "battery staple")
    copy = copy_of(bob, shop)
    bob.submit(bob.open("/auth/forgotten"), username="alice")
    bob.submit(bob.open(link_in(shop)), new_password=NEW, new_password_again=NEW)
    assert "__Host-session" not in bob.jar
    assert copy.open("/", follow=False).status == 303


@pytest.mark.parametrize("way", ["change", "reset"])
def test_a_session_that_begins_while_a_new_password_is_hashed_ends_by_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    owner, thief = shop.logged_in(), shop.browser()
    if way == "change":
        page = owner.open("/auth/password")
    else:
        owner.submit(owner.open("/auth/forgotten"), username="alice")
        page = owner.open(link_in(shop))
    store = shop.users.change_password_hash

    def overtaken(*args: Any) -> Any:
        monkeypatch.undo()
        shop.clock.advance(1)
        thief.jar = shop.logged_in(agent="curl").jar
        assert thief.open("/").text == "hello alice"
        shop.clock.advance(1)
        return store(*args)

    monkeypatch.setattr(shop.users, "change_password_hash", overtaken)
    assert owner.submit(page, old_password=SECRET, new_password=NEW, new_password_again=NEW).status == 200
    assert thief.open("/", follow=False).status == 303
    live = [each.name for each in shop.stores.sessions.sessions_of("7", shop.clock())]
    assert live == (["Firefox"] if way == "change" else [])


@pytest.mark.parametrize("way", ["change", "reset"])
def test_nobody_else_stays_logged_in_where_the_store_fails_behind_a_new_password(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    thief, owner = shop.logged_in(agent="curl"), shop.logged_in()
    shop.clock.advance(1)
    if way == "change":
        page = owner.open("/auth/password")
    else:
        owner.submit(owner.open("/auth/forgotten"), username="alice")
        page = owner.open(link_in(shop))

    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(shop.stores.pending, "drop_pending", fail)
    answer = owner.submit(page, old_password=SECRET, new_password=NEW, new_password_again=NEW)
    assert answer.status == 503
    assert thief.open("/", follow=False).status == 303
    shop.clock.advance(1)
    assert shop.logged_in(password=NEW).open("/").text == "hello alice"
