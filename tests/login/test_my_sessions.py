"""The page with the sessions of a user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import LocalAuth as FlaskLocalAuth
from authmw_starlette import LocalAuth as StarletteLocalAuth
from flask import Flask
from starlette.applications import Starlette

from authmw.login.paths import PATHS
from authmw.login.service import HANDLERS
from authmw.pages import Page, SessionEntry, SessionsPage, Texts
from tests.login.browser import Browser, to_asgi, to_wsgi
from tests.login.shop import SECRET, Shop
from tests.login.test_logging_in import without_tokens
from tests.login.test_passwords import family_of


def test_sessions_are_listed_and_ended_one_by_one(shop: Shop) -> None:
    phone, desktop = shop.logged_in(agent="Phone"), shop.logged_in(agent="Desktop")
    shop.logged_in("bob", "battery staple", agent="Bob's")
    family_of(shop)
    page = desktop.open("/auth/sessions")
    assert all(name in page.text for name in ("Phone", "Desktop", "app"))
    assert "Bob" not in without_tokens(page)
    (of_phone,) = [each.id for each in shop.stores.sessions.sessions_of("7", shop.clock()) if each.name == "Phone"]
    (number,) = [n for n, form in enumerate(page.forms) if form.fields.get("session") == of_phone]
    assert "Phone" not in desktop.submit(page, number).text
    assert phone.open("/", follow=False).status == 303
    assert desktop.open("/").text == "hello alice"


def test_a_template_of_the_application_gets_all_of_each_session() -> None:
    pages: list[SessionsPage] = []

    def noting(page: Page, texts: Texts) -> None:
        if isinstance(page, SessionsPage):
            pages.append(page)

    shop = Shop(template=noting)
    began = shop.clock()
    shop.logged_in(agent="Phone", remember="yes")
    app = replace(family_of(shop), id="login_2", key="k2", last_used_at=began + 5)
    shop.stores.families.add_family(replace(app, name="Tablet"))
    shop.stores.families.add_family(replace(app, id="login_3", key="k3", client_id=None, last_used_at=began + 2))
    shop.clock.advance(10)
    browser = shop.logged_in(agent="")
    browser.open("/auth/sessions")
    shown = pages[-1]
    phone, current = sorted(shop.stores.sessions.sessions_of("7", shop.clock()), key=lambda each: each.created_at)
    later: dict[str, Any] = {"started_at": began + 10, "last_used_at": began + 10}
    assert shown.entries == (
        SessionEntry(id=current.id, is_current=True, **later),
        SessionEntry(id="login_2", name="Tablet", started_at=began, last_used_at=began + 5, kind="app"),
        SessionEntry(id="login_3", started_at=began, last_used_at=began + 2, kind="app"),
        SessionEntry(id=phone.id, name="Phone", started_at=began, last_used_at=began, remembered=True),
        SessionEntry(id="login_1", name="app", started_at=began, last_used_at=began, kind="app"),
    )
    assert (shown.action, shown.end_all_action) == ("/auth/sessions", "/auth/sessions/end-all")
    assert shown.now == began + 10


def test_logging_out_everywhere(shop: Shop) -> None:
    phone, desktop = shop.logged_in(agent="Phone"), shop.logged_in(agent="Desktop")
    family_of(shop)
    page = desktop.open("/auth/sessions")
    (number,) = [n for n, form in enumerate(page.forms) if form.action.endswith("/end-all")]
    assert "You are logged out" in desktop.submit(page, number).text
    assert phone.open("/", follow=False).status == 303
    assert shop.stores.families.families_of("7", shop.clock()) == ()
    assert "__Host-session" not in desktop.jar
    shop.clock.advance(1)
    assert shop.logged_in().open("/").text == "hello alice"


def test_ending_this_session_is_logging_out(shop: Shop) -> None:
    browser = shop.logged_in()
    page = browser.open("/auth/sessions")
    assert "You are logged out" in browser.submit(page).text
    assert "__Host-session" not in browser.jar


@pytest.mark.parametrize("path", ["/password", "/sessions", "/sessions/end-all"])
def test_who_has_no_session_is_sent_to_log_in_and_back_by_each_page_that_needs_one(shop: Shop, path: str) -> None:
    browser = shop.browser()
    fields = {"csrf_token": browser.open("/auth/login").form.fields["csrf_token"], "session": "session_1"}
    for answer in (browser.open(f"/auth{path}", follow=False), browser.post(f"/auth{path}", fields)):
        assert (answer.status, answer.header("location")) == (303, f"/auth/login?next=/auth{path}")


def test_where_the_page_with_the_sessions_leads_after_each_form(shop: Shop) -> None:
    browser = shop.logged_in()
    shop.logged_in(agent="Phone")
    page = browser.open("/auth/sessions")
    assert browser.open("/auth/sessions/end-all", follow=False).header("location") == "/auth/sessions"
    (phone,) = [each.id for each in shop.stores.sessions.sessions_of("7", shop.clock()) if each.name == "Phone"]
    for session in (phone, "session_1"):
        answer = browser.post("/auth/sessions", {**page.form.fields, "session": session})
        assert (answer.status, answer.header("location"), answer.cookies()) == (303, "/auth/sessions", {})
    answer = browser.post("/auth/sessions/end-all", {"csrf_token": page.form.fields["csrf_token"]})
    assert (answer.status, answer.header("location")) == (303, "/auth/logout")
    assert "Max-Age=0" in answer.cookies()["__Host-session"]


def test_nobody_ends_a_session_of_another_user(shop: Shop) -> None:
    alice, bob = shop.logged_in(), shop.logged_in("bob", "battery staple")
    (of_alice,) = shop.stores.sessions.sessions_of("7", shop.clock())
    page = bob.open("/auth/sessions")
    bob.submit(page, session=of_alice.id)
    bob.post("/auth/sessions", {**page.form.fields, "session": family_of(shop).id})
    assert alice.open("/").text == "hello alice"
    assert len(shop.stores.families.families_of("7", shop.clock())) == 1


def test_who_has_a_chain_of_refresh_tokens_ends_that_one_and_none_of_another_user(shop: Shop) -> None:
    alice, bob = shop.logged_in(), shop.logged_in("bob", "battery staple")
    (of_bob,) = shop.stores.sessions.sessions_of("8", shop.clock())
    family = family_of(shop)
    fields = alice.open("/auth/sessions").form.fields
    alice.post("/auth/sessions", {**fields, "session": of_bob.id})
    assert bob.open("/").text == "hello bob"
    assert len(shop.stores.families.families_of("7", shop.clock())) == 1
    alice.post("/auth/sessions", {**fields, "session": family.id})
    assert shop.stores.families.families_of("7", shop.clock()) == ()


def test_a_chain_of_refresh_tokens_ends_with_the_session_that_it_belongs_to(shop: Shop) -> None:
    browser = shop.logged_in()
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    family = family_of(shop)
    shop.stores.families.add_family(replace(family, id="login_2", key="k2", session_id=session.id))
    browser.submit(browser.open("/auth/logout"))
    assert [each.id for each in shop.stores.families.families_of("7", shop.clock())] == ["login_1"]


def test_the_pages_know_their_caller_where_the_application_gets_no_credentials(tmp_path: Path) -> None:
    database, keys = f"sqlite:///{tmp_path}/app.db", f"{tmp_path}/keys.json"
    flask, starlette = Flask("shop"), Starlette()
    by_flask = FlaskLocalAuth(flask, pages=True, hide_credentials=True, database=database, keys=keys)
    StarletteLocalAuth(starlette, pages=True, hide_credentials=True, database=database, keys=keys)
    by_flask.local.stores.users.create("alice", SECRET)
    for send in (to_wsgi(flask), to_asgi(starlette)):
        browser = Browser(send)
        browser.submit(browser.open("/auth/login?next=/auth/sessions"), username="alice", password=SECRET)
        for path in PATHS:
            if path not in ("/login", "/login/step", "/forgotten", "/reset", "/verify", "/sessions/end-all"):
                page = browser.open(f"/auth{path}")
                assert (page.status, page.path) == (200, f"/auth{path}")
    by_flask.local.close()


def test_every_page_has_one_of_the_known_paths() -> None:
    assert tuple(HANDLERS) == PATHS
