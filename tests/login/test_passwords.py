"""Changing and recovering a password, and verifying an address."""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf, nextafter
from typing import Any

import pytest
from authmw_flask import login_blueprint
from authmw_starlette import login_routes

from authmw import ConfigurationError, Session
from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.flow import run
from authmw.http.form import Form
from authmw.login import LoginPages, Mail, SessionLifetimes
from authmw.login.passwords import new_password_in
from authmw.pages import Look, ProblemCode, password_changed_mail, recovery_mail, texts_of, verification_mail
from authmw.stores import MemoryStores, RefreshFamily
from authmw.stores.records import Attempt
from authmw.stores.session_records import Pending
from tests.login.browser import Browser, Page, path_of
from tests.login.shop import SECRET, Shop

NEW = "a new secret"


def change(browser: Browser, old: str = SECRET, new: str = NEW, again: str | None = None) -> Page:
    page = browser.open("/auth/password")
    return browser.submit(page, old_password=old, new_password=new, new_password_again=new if again is None else again)


def family_of(shop: Shop) -> RefreshFamily:
    """A chain of refresh tokens of alice, as that of a mobile application."""
    now = shop.clock()
    family = RefreshFamily(
        id="login_1",
        key="k",
        current="c",
        subject="7",
        username="alice",
        client_id="app",
        scopes=frozenset(),
        created_at=now,
        expires_at=now + 1e6,
        idle_until=now + 1e6,
    )
    shop.stores.families.add_family(family)
    return family


def link_in(shop: Shop) -> str:
    """The path of the link in the newest mail."""
    found = re.search(r"https://\S+", shop.mail().text)
    assert found is not None
    assert found[0].startswith("https://shop.example/auth/")
    return path_of(found[0])


def test_a_changed_password_ends_other_sessions_and_renews_this_one(shop: Shop) -> None:
    browser, other = shop.logged_in(), shop.logged_in(agent="Safari")
    family_of(shop)
    before = browser.jar["__Host-session"]
    done = change(browser)
    assert (done.status, "Password changed" in done.text) == (200, True)
    assert browser.jar["__Host-session"] != before
    assert browser.open("/").text == "hello alice"
    assert other.open("/", follow=False).status == 303
    assert shop.stores.families.families_of("7", shop.clock()) == ()
    assert shop.mail().to == "alice@mail.example"
    assert shop.mail().subject == "Your password was changed"
    shop.clock.advance(1)
    assert shop.logged_in(password=NEW).open("/").text == "hello alice"


def test_a_session_whose_user_changes_the_password_is_proved_later_than_what_that_ends(shop: Shop) -> None:
    browser = shop.logged_in()
    (before,) = shop.stores.sessions.sessions_of("7", shop.clock())
    shop.clock.advance(60)
    change(browser)
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    (revoked,) = shop.stores.revocations.find_revocations((("user", "7"),))
    assert (session.id, session.amr, session.salt) == (before.id, ("pwd",), "")
    assert revoked.at == shop.clock()
    assert session.authenticated_at == nextafter(shop.clock(), inf)


def test_a_browser_whose_session_is_renewed_elsewhere_while_it_changes_the_password_logs_in_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = shop.logged_in()

    def overtaken(*_: object, **__: object) -> Any:
        yield from ()

    monkeypatch.setattr(shop.session.sessions, "renew_by_proof", overtaken)
    done = change(browser)
    assert (done.status, "Password changed" in done.text) == (200, True)
    assert "__Host-session" not in browser.jar
    shop.clock.advance(1)
    monkeypatch.undo()
    assert shop.logged_in(password=NEW).open("/").text == "hello alice"


@pytest.mark.parametrize("way", ["deleted", "another"])
def test_a_name_that_is_not_that_of_the_session_any_more_changes_no_password(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    browser = shop.logged_in()
    page = browser.open("/auth/password")
    alice, bob = shop.users.find("alice"), shop.users.find("bob")
    prove = shop.pages.password.prove

    def find_bob(_: str) -> Any:  # who has the same name and the same password now
        return replace(bob, username="alice", password_hash=alice.password_hash)

    def find_nobody(_: str) -> None: ...

    def slow(*args: Any) -> Any:
        found = yield from prove(*args)
        monkeypatch.setattr(shop.users, "find_by_id", find_nobody)
        return found

    if way == "another":
        monkeypatch.setattr(shop.users, "find", find_bob)
    else:
        monkeypatch.setattr(shop.pages.password, "prove", slow)
    answer = browser.submit(page, old_password=SECRET, new_password=NEW, new_password_again=NEW)
    assert answer.status == 403
    monkeypatch.undo()
    assert (shop.users.find("alice"), shop.users.find("bob")) == (alice, bob)


@pytest.mark.parametrize(
    "old, new, again, status",
    [
        ("wrong", NEW, None, 403),
        (SECRET, NEW, "other", 400),
        (SECRET, "short", None, 400),
        (SECRET, "x" * 1025, None, 400),
        (SECRET, "alicealice", None, 400),
        (SECRET, "ALICE", None, 400),
        ("", NEW, None, 400),
        (SECRET, "", None, 400),
        (SECRET, "tab\there it is", None, 400),
    ],
)
def test_a_password_that_is_not_acceptable_changes_nothing(old: str, new: str, again: str | None, status: int) -> None:
    def is_fine(username: str, password: str) -> bool:
        return username * 2 != password

    shop = Shop(password_policy=is_fine)
    browser = shop.logged_in()
    before = shop.users.find("alice")
    answer = change(browser, old, new, again)
    assert answer.status == status
    assert "Error" in answer.text
    assert new not in answer.text or not new or len(new) < 6
    assert shop.users.find("alice") == before
    shop.close()


def test_a_password_is_too_long_or_has_a_character_that_none_has() -> None:
    for new, said in (("\x07" * 1024, "PASSWORD_UNACCEPTABLE"), ("\x07" * 1025, "PASSWORD_TOO_LONG")):
        form: Any = {"new_password": new, "new_password_again": new}
        _, problem = new_password_in(form, "alice", 8, None)
        assert problem is not None
        assert problem.name == said


@pytest.mark.parametrize(
    "new, shortest, problem",
    [
        ("x" * 8, 8, None),
        ("x" * 7, 8, ProblemCode.PASSWORD_TOO_SHORT),
        ("x", 1, None),
        ("x" * 1024, 64, None),
        ("é" * 512, 64, None),
        ("é" * 513, 64, ProblemCode.PASSWORD_TOO_LONG),
        ("STRASSE-STRASSE", 8, ProblemCode.PASSWORD_UNACCEPTABLE),
        ("straße-straße.", 8, None),
        ("on the list", 8, ProblemCode.PASSWORD_UNACCEPTABLE),
        ("not told of", 8, ProblemCode.PASSWORD_UNACCEPTABLE),
    ],
)
def test_a_new_password_at_each_edge(new: str, shortest: int, problem: ProblemCode | None) -> None:
    def is_fine(username: str, password: str) -> Any:
        assert username == "straße-straße"
        return {"on the list": False, "not told of": "yes"}.get(password, True)

    form = Form({"new_password": new, "new_password_again": new})
    found = new_password_in(form, "straße-straße", shortest, is_fine)
    assert found == (new if problem is None else "", problem)


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({}, ProblemCode.FIELD_MISSING),
        ({"new_password": NEW}, ProblemCode.FIELD_MISSING),
        ({"new_password_again": NEW}, ProblemCode.FIELD_MISSING),
        ({"new_password": NEW, "new_password_again": NEW.upper()}, ProblemCode.PASSWORDS_DIFFER),
    ],
)
def test_a_new_password_is_typed_twice_alike(fields: dict[str, str], problem: ProblemCode) -> None:
    assert new_password_in(Form(fields), "alice", 8, None) == ("", problem)


def test_a_password_that_was_changed_meanwhile_is_not_replaced(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shop.logged_in()

    def overtaken(*_: object) -> bool:
        return False

    monkeypatch.setattr(shop.users, "change_password_hash", overtaken)
    answer = change(browser)
    assert (answer.status, "Password changed" in answer.text) == (403, False)
    assert shop.mails == []
    monkeypatch.undo()
    assert shop.logged_in().open("/").text == "hello alice"


def test_who_guesses_the_old_password_has_to_wait(shop: Shop) -> None:
    browser = shop.logged_in()
    answers = [change(browser, "wrong") for _ in range(40)]
    assert answers[0].status == 403
    assert answers[-1].status in (429, 503)


def test_a_stranger_is_sent_to_log_in(shop: Shop) -> None:
    page = shop.browser().open("/auth/password", follow=False)
    assert page.header("location") == "/auth/login?next=/auth/password"


def ask_for_link(shop: Shop, name: str = "alice") -> Page:
    browser = shop.browser()
    return browser.submit(browser.open("/auth/forgotten"), username=name)


@pytest.mark.parametrize("name", ["alice", "alice@mail.example", "ALICE@MAIL.example"])
def test_a_forgotten_password_is_replaced_by_a_link(shop: Shop, name: str) -> None:
    browser = shop.logged_in()
    family_of(shop)
    ask_for_link(shop, name)
    other = shop.browser()
    page = other.open(link_in(shop))
    assert browser.open("/").text == "hello alice"  # nothing is done by opening the link
    again = other.open(link_in(shop))
    done = other.submit(page, new_password=NEW, new_password_again=NEW)
    assert "Log in" in done.text
    assert "__Host-session" not in other.jar
    assert browser.open("/", follow=False).status == 303
    assert shop.stores.families.families_of("7", shop.clock()) == ()
    assert shop.users.find("alice").email_verified
    assert other.submit(again, new_password="another one", new_password_again="another one").status == 400
    shop.clock.advance(1)
    assert shop.logged_in(password=NEW).open("/").text == "hello alice"


def test_what_can_be_no_name_is_looked_for_as_none(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(shop.users, "find", asked.append)
    assert [ask_for_link(shop, name).status for name in ("bell\x07", "bob\x7f", "b" * 300)] == [200] * 3
    assert asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "verification"},
        {"digest": "0" * 64},
        {"subject": ""},
        {"subject": "8"},
        {"data": {}},
        {"data": {"email": "alice@mail.example"}},
        {"data": {"email": "alice@mail.example", "hash": "0" * 64}},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["peek_pending", "take_pending"])
def test_a_store_that_finds_something_else_makes_no_link_good(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, method: str, change: dict[str, Any]
) -> None:
    ask_for_link(shop)
    browser, link = shop.browser(), link_in(shop)
    page = browser.open(link)
    assert page.status == 200
    find = getattr(shop.stores.pending, method)

    def find_another(*asked: Any) -> Any:
        return replace(find(*asked), **change)

    monkeypatch.setattr(shop.stores.pending, method, find_another)
    before = shop.users.find("alice")
    if method == "peek_pending":
        assert browser.open(link).status == 400
    else:
        assert browser.submit(page, new_password=NEW, new_password_again=NEW).status == 400
    assert shop.users.find("alice") == before


@pytest.mark.parametrize("user", [None, "bob", "disabled", "without a password"])
def test_a_link_is_good_for_its_own_user_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch, user: str | None) -> None:
    ask_for_link(shop)
    alice, bob = shop.users.find("alice"), shop.users.find("bob")
    others = {
        None: None,
        "bob": replace(alice, id=bob.id),
        "disabled": replace(alice, disabled=True),
        "without a password": replace(alice, password_hash=None),
    }

    def find_another(_: str) -> Any:
        return others[user]

    monkeypatch.setattr(shop.users, "find_by_id", find_another)
    assert shop.browser().open(link_in(shop)).status == 400


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
@pytest.mark.parametrize("way", ["change", "reset", "verify"])
def test_what_a_store_does_not_say_it_has_stored_is_not_told_as_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str, answer: object
) -> None:
    def not_stored(*_: object) -> object:
        return answer

    browser = shop.logged_in() if way == "change" else shop.browser()
    if way == "change":
        page = browser.open("/auth/password")
    elif way == "reset":
        ask_for_link(shop)
        page = browser.open(link_in(shop))
    else:
        run(shop.pages.send_verification(shop.users.find("alice")))
        page = browser.open(link_in(shop))
    mails = len(shop.mails)
    monkeypatch.setattr(shop.users, "verify_email" if way == "verify" else "change_password_hash", not_stored)
    fields = {"old_password": SECRET, "new_password": NEW, "new_password_again": NEW}
    done = browser.post(page.form.action, {**page.form.fields, **fields})
    assert done.status == (403 if way == "change" else 400)
    assert len(shop.mails) == mails


@pytest.mark.parametrize("way", ["change", "reset"])
def test_a_new_password_drops_every_link_for_another_one(shop: Shop, way: str) -> None:
    for _ in range(2):
        ask_for_link(shop)
    run(shop.pages.send_verification(shop.users.find("alice")))
    kinds = ["recovery", "recovery", "recovery-count", "verification"]
    assert sorted(each.kind for each in shop.stores.pending.of_user("7")) == kinds
    if way == "change":
        change(shop.logged_in())
    else:
        run(shop.pages.links.new_password(shop.mails[0].text.partition("token=")[2].split()[0], NEW))
    assert sorted(each.kind for each in shop.stores.pending.of_user("7")) == kinds[2:]


def test_who_has_an_address_for_a_name_gets_one_mail(shop: Shop) -> None:
    shop.users.create("zoe@mail.example", SECRET, email="zoe@mail.example")
    ask_for_link(shop, "zoe@mail.example")
    assert [shop.mail().to, len(shop.mails)] == ["zoe@mail.example", 1]


def test_asking_for_links_counts_for_an_account_of_its_own_however_the_name_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts: list[str] = []
    reserve = shop.stores.throttle.reserve

    def noted(attempt: Attempt, *more: Any) -> Any:
        accounts.append(attempt.account)
        return reserve(attempt, *more)

    monkeypatch.setattr(shop.stores.throttle, "reserve", noted)
    for name in ("alice", "ALICE", "Alice@MAIL.example", "bell\x07"):
        ask_for_link(shop, name)
    own = "account:recovery\0"
    assert accounts == [f"{own}alice", f"{own}alice", f"{own}alice@mail.example", own]


def test_a_form_without_its_token_does_not_use_the_link_up(shop: Shop) -> None:
    ask_for_link(shop)
    browser = shop.browser()
    page = browser.open(link_in(shop))
    fields: Any = {"new_password": NEW, "new_password_again": NEW}
    old = browser.submit(page, **fields, csrf_token="")
    assert (old.status, old.form.fields["token"]) == (400, page.form.fields["token"])
    unlike = browser.submit(page, new_password=NEW, new_password_again="something else")
    assert (unlike.status, unlike.form.fields["token"]) == (400, page.form.fields["token"])
    assert browser.submit(unlike, **fields).status == 200
    shop.clock.advance(1)
    assert shop.logged_in(password=NEW).open("/").text == "hello alice"


def test_who_asked_for_a_link_is_told_to_look_for_it(shop: Shop) -> None:
    page = ask_for_link(shop)
    assert "Check your" in page.text
    assert "Check your" not in shop.browser().open("/auth/forgotten").text
    assert 'href="/auth/login"' in page.text


def test_a30_who_asks_learns_nothing_about_the_account(shop: Shop) -> None:
    shop.users.create("carol", SECRET)  # has no address
    shop.users.create("dave", email="dave@mail.example")  # has no password
    shop.users.create("erin", SECRET, email="erin@mail.example")
    shop.users.disable("erin")
    pages = [
        ask_for_link(shop, name) for name in ("alice", "nobody", "carol", "dave", "erin", "x@mail.example", "é" * 99)
    ]
    assert {page.status for page in pages} == {200}
    assert len({re.sub(r'value="[^"]*"', "", page.text) for page in pages}) == 1
    assert shop.mail().to == "alice@mail.example"
    assert len(shop.mails) == 1


class Counting:
    """The methods of a store, with a list of those that were called."""

    def __init__(self, store: object, calls: list[str]) -> None:
        self._store = store
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def counted(*args: Any) -> Any:
            self._calls.append(name)
            return method(*args)

        return counted


def test_the_stores_are_asked_the_same_for_nobody() -> None:
    asked: list[list[str]] = []
    for name in ("alice", "nobody"):
        shop, calls = Shop(), list[str]()
        links: Any = shop.pages.kept
        links.users, links.pending = Counting(shop.stores.users, calls), Counting(shop.stores.pending, calls)
        ask_for_link(shop, name)
        asked.append(calls)
        shop.close()
    assert asked[0] == asked[1] == ["find", "peek_pending", "put_pending", "put_pending"]


@pytest.mark.parametrize("name", ["alice", "ALICE@mail.example", "nobody"])
def test_what_is_kept_of_a_link_and_of_the_count_of_links(shop: Shop, name: str) -> None:
    kept: list[Pending] = []
    put = shop.stores.pending.put_pending

    def noted(pending: Pending) -> None:
        kept.append(pending)
        put(pending)

    shop.stores.pending.put_pending = noted
    began, alice = shop.clock(), shop.users.find("alice")
    for number in range(1, 6):
        ask_for_link(shop, name)
        shop.clock.advance(60)
        count, *link = kept
        kept.clear()
        owner, subject = ("name nobody", "") if name == "nobody" else ("user 7", "7")
        digest = token_digest(f"recovery-count\0{owner}")
        counted = {"count": str(min(number, 4))}
        assert count == Pending(digest, "recovery-count", subject, began + 3600, counted)
        at = shop.clock() - 60 + 3600
        if name == "nobody" or number > 3:
            assert link == [Pending(link[0].digest, "recovery", "", at)]
            continue
        data = {"hash": token_digest(alice.password_hash), "email": "alice@mail.example"}
        token = link_in(shop).partition("token=")[2]
        assert link == [Pending(token_digest(token), "recovery", "7", at, data)]
        assert token.startswith("rl_")


def test_the_mails_of_the_pages_are_whole(shop: Shop) -> None:
    texts, name = texts_of("de"), "Shop"
    shop.pages.look = Look(name)
    browser = shop.browser()
    page = browser.open("/auth/forgotten")
    browser.post(page.form.action, {**page.form.fields, "username": "alice"}, accept_language="de")
    mail, link = shop.mail(), f"https://shop.example{link_in(shop)}"
    said = recovery_mail(name=name, username="alice", link=link, lifetime=3600, texts=texts)
    assert mail == Mail("alice@mail.example", said.subject, said.body, "de")
    run(shop.pages.send_verification(shop.users.find("alice"), "de"))
    mail, link = shop.mail(), f"https://shop.example{link_in(shop)}"
    said = verification_mail(name=name, username="alice", link=link, lifetime=86_400, texts=texts)
    assert mail == Mail("alice@mail.example", said.subject, said.body, "de")
    assert link.startswith("https://shop.example/auth/verify?token=vl_")
    run(shop.pages.send_verification(shop.users.find("alice")))
    assert shop.mail().language == "en"
    page = (browser := shop.logged_in()).open("/auth/password")
    fields = {"old_password": SECRET, "new_password": NEW, "new_password_again": NEW}
    browser.post(page.form.action, {**page.form.fields, **fields}, accept_language="de")
    link = "https://shop.example/auth/forgotten"
    said = password_changed_mail(name=name, username="alice", link=link, at=shop.clock(), texts=texts)
    assert shop.mail() == Mail("alice@mail.example", said.subject, said.body, "de")


def test_without_an_address_or_mail_nothing_is_sent_to_verify_it(shop: Shop) -> None:
    assert run(shop.pages.send_verification(shop.users.find("bob"))) is False
    assert run(shop.pages.send_verification(replace(shop.users.find("alice"), email_verified=True))) is False
    assert shop.stores.pending.of_user("7") == shop.stores.pending.of_user("8") == ()
    quiet = Shop(send_mail=None)
    assert run(quiet.pages.send_verification(quiet.users.find("alice"))) is False
    quiet.close()


@pytest.mark.parametrize("kind", ["recovery", "verification"])
def test_a_link_is_good_until_the_second_in_which_it_ends(shop: Shop, kind: str) -> None:
    if kind == "recovery":
        ask_for_link(shop)
    else:
        run(shop.pages.send_verification(shop.users.find("alice")))
    link, lifetime = link_in(shop), getattr(shop.pages.lifetimes, kind)
    shop.clock.advance(lifetime - 1)
    assert shop.browser().open(link).status == 200
    shop.clock.advance(1)
    assert shop.browser().open(link).status == 400


def test_nobody_gets_a_hundred_mails(shop: Shop) -> None:
    pages = [ask_for_link(shop) for _ in range(40)]
    assert pages[-1].status in (429, 503)
    assert shop.mail().to == "alice@mail.example"
    assert len(shop.mails) < 15


def test_a_link_ends_by_itself_and_with_the_next_password(shop: Shop) -> None:
    ask_for_link(shop)
    link = link_in(shop)
    shop.clock.advance(hours=1)
    assert shop.browser().open(link).status == 400
    ask_for_link(shop)
    link = link_in(shop)
    shop.users.set_password("alice", "by an admin")
    browser = shop.browser()
    page = browser.open(link)
    if page.status == 200:
        page = browser.submit(page, new_password=NEW, new_password_again=NEW)
    assert page.status == 400
    shop.clock.advance(1)
    assert shop.logged_in(password="by an admin").open("/").text == "hello alice"


@pytest.mark.parametrize("path", ["/auth/reset", "/auth/verify"])
@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=x", "?token=rl_" + "0" * 38, "?token=a&token=b", "?token=%00"]
)
def test_a_link_that_was_never_made_is_expired(shop: Shop, path: str, query: str) -> None:
    page = shop.browser().open(path + query)
    assert page.status == 400
    assert not page.forms


@pytest.mark.parametrize("token", ["", "x", "rl_" + "0" * 38, "rl_" + "0" * 4000])
def test_a_text_that_no_link_has_asks_no_store(shop: Shop, token: str) -> None:
    links: Any = shop.pages.kept
    calls: list[str] = []
    links.users, links.pending = Counting(shop.stores.users, calls), Counting(shop.stores.pending, calls)
    for path in ("/auth/reset", "/auth/verify"):
        browser = shop.browser()
        shown = browser.open(f"{path}?token={token}")
        fields = {"csrf_token": browser.open("/auth/login").form.fields["csrf_token"], "token": token}
        sent = browser.post(path, {**fields, "new_password": NEW, "new_password_again": NEW})
        assert (shown.status, sent.status) == (400, 400)
    assert calls == []


@pytest.mark.parametrize("new", ["alice-the-user", "ALICE-the-User", "on the list"])
def test_a_link_sets_no_password_that_is_not_acceptable(new: str) -> None:
    def is_acceptable(username: str, password: str) -> bool:
        return (username, password) != ("alice-the-user", "on the list")

    shop = Shop(password_policy=is_acceptable)
    shop.users.create("alice-the-user", SECRET, id="9", email="long@mail.example")
    ask_for_link(shop, "alice-the-user")
    browser = shop.browser()
    refused = browser.submit(browser.open(link_in(shop)), new_password=new, new_password_again=new)
    assert (refused.status, "Error" in refused.text) == (400, True)
    assert shop.logged_in("alice-the-user").open("/").text == "hello alice-the-user"
    shop.close()


def test_who_has_no_address_gets_no_mail_about_a_new_password(shop: Shop) -> None:
    bob = shop.logged_in("bob", "battery staple")
    assert change(bob, "battery staple").status == 200
    assert change(shop.logged_in()).status == 200
    assert shop.mail().to == "alice@mail.example"
    assert len(shop.mails) == 1


def test_a_link_is_made_from_the_public_url_and_never_from_host(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/forgotten")
    fields = {**page.form.fields, "username": "alice"}
    browser.post(page.form.action, fields, x_forwarded_host="evil.example", forwarded="host=evil.example")
    shop.mail()
    assert link_in(shop).startswith("/auth/reset?token=rl_")
    assert "evil" not in shop.mail().text


def test_an_address_is_verified_by_the_form_behind_the_link(shop: Shop) -> None:
    assert run(shop.pages.send_verification(shop.users.find("alice")))
    link = link_in(shop)
    browser = shop.browser()
    page = browser.open(link)
    assert not shop.users.find("alice").email_verified
    assert (page.status, "alice@mail.example" in page.text) == (200, True)
    old = browser.submit(page, csrf_token="")
    assert (old.status, old.form.fields["token"]) == (400, page.form.fields["token"])  # the link is not used up
    assert not shop.users.find("alice").email_verified
    assert browser.submit(page).status == 200
    assert shop.users.find("alice").email_verified
    assert browser.submit(page).status == 400
    assert not run(shop.pages.send_verification(shop.users.find("alice")))


def test_a_link_verifies_only_the_address_that_it_was_sent_to(shop: Shop) -> None:
    run(shop.pages.send_verification(shop.users.find("alice")))
    browser = shop.browser()
    page = browser.open(link_in(shop))
    shop.users.set_email("alice", "other@mail.example")
    assert run(shop.pages.links.verified(page.form.fields["token"])) is None
    assert browser.submit(page).status == 400
    assert not shop.users.find("alice").email_verified


def test_a_link_of_one_kind_is_worth_nothing_for_another(shop: Shop) -> None:
    ask_for_link(shop)
    assert shop.browser().open(link_in(shop).replace("/reset", "/verify")).status == 400


def test_without_mail_there_are_no_pages_for_it() -> None:
    shop = Shop(send_mail=None)
    for path in ("/forgotten", "/reset", "/verify"):
        assert shop.logged_in().open(f"/auth{path}").status == 404
    assert change(shop.logged_in()).status == 200
    assert "/forgotten" not in shop.browser().open("/auth/login").text
    shop.close()


@pytest.mark.parametrize("mount", [login_blueprint, login_routes])
@pytest.mark.parametrize("given", [LoginPages, Session(MemoryStores()), None])
def test_what_is_no_login_pages_cannot_be_mounted(mount: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"is no LoginPages: write {mount.__name__}"):
        mount(given)


def test_mistakes_are_told_all_at_once() -> None:
    stores = MemoryStores()
    with pytest.raises(ConfigurationError) as refused:
        LoginPages(Session(stores), stores, public_url="shop.example", send_mail=print, home="//x", shortest_password=0)
    assert len(refused.value.mistakes) == 3
    with pytest.raises(ConfigurationError, match="public_url"):
        LoginPages(Session(stores), stores, send_mail=print)
    with pytest.raises(ConfigurationError, match="idle"):
        SessionLifetimes(idle=99_999)


def test_of_one_address_five_users_get_a_mail(shop: Shop) -> None:
    for number in range(7):
        shop.users.create(f"user{number}", SECRET, email="many@mail.example")
    ask_for_link(shop, "many@mail.example")
    shop.mail()
    assert len(shop.mails) == 5
