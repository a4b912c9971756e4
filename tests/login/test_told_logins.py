"""What the login pages tell of what people do: one record in the log, and an event where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from authmw.events import Event, LoggedIn, LoginFailed, UserChanged, on_event
from authmw.flow.flow import run
from authmw.stores import User
from authmw.stores.records import Revocation, Wait
from tests.login.browser import Browser
from tests.login.shop import SECRET, Shop
from tests.login.test_passwords import NEW, change, family_of, link_in
from tests.requests import wsgi_request

SOURCE: Final = "192.0.2.7"
OF_ALICE: Final = {"source": SOURCE, "principal": "7"}
TOOK: Final = 0.25


class Pin:
    """A step that alice has to pass."""

    name, amr, fields = "pin", "pin", (("pin", "Your PIN"),)

    def is_needed(self, user: User) -> bool:
        return user.username == "alice"

    def check(self, user: User, values: Mapping[str, str]) -> bool:
        return values == {"pin": "1111"}


class Told:
    """What is told from now on, in a shop in which every login takes a quarter of a second."""

    def __init__(self, shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
        self.shop = shop
        self._caplog = caplog
        self._events: list[Event] = []
        self._stop = on_event(self._events.append, inline=True)
        caplog.set_level("INFO", "authmw.login")

    def close(self) -> None:
        self._stop()
        self.shop.close()

    def forget(self) -> None:
        """Forget what was told so far."""
        self._caplog.clear()
        self._events.clear()

    def records(self) -> list[dict[str, Any]]:
        """The fields of each record in the log."""
        return [vars(each)["authmw"] for each in self._caplog.records if each.name == "authmw.login"]

    def events(self) -> list[Event]:
        """The events of people, as if they happened at 0."""
        kinds = (LoggedIn, LoginFailed, UserChanged)
        return [replace(each, at=0.0) for each in self._events if isinstance(each, kinds)]

    def session(self, subject: str = "7") -> str:
        """The id of the only session of a user."""
        (session,) = self.shop.stores.sessions.sessions_of(subject, self.shop.clock())
        return str(session.id)


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Told]]:
    ticks = iter(range(1_000))
    monkeypatch.setattr("authmw.login.told.perf_counter", lambda: 100.0 + next(ticks) * TOOK)
    made: list[Told] = []

    def make(**options: Any) -> Told:
        made.append(Told(Shop(**options), caplog))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def told(tell: Callable[..., Told]) -> Told:
    return tell()


def logged_in(session: str) -> tuple[list[dict[str, Any]], list[Event]]:
    event = LoggedIn(principal="7", session=session, source=SOURCE, seconds=TOOK, at=0.0)
    return [{"event": "logged in", **OF_ALICE, "session": session}], [event]


def logged_out(session: str) -> list[dict[str, Any]]:
    return [{"event": "logged out", **OF_ALICE, "session": session}]


def failed(code: str, detail: str = "") -> tuple[list[dict[str, Any]], list[Event]]:
    record = {"event": "login failed", "source": SOURCE, "code": code}
    return [{**record, "detail": detail} if detail else record], [
        LoginFailed(code=code, source=SOURCE, seconds=TOOK, at=0.0)
    ]


def changed(what: str) -> tuple[list[dict[str, Any]], list[Event]]:
    return [{"event": f"changed {what}", **OF_ALICE}], [UserChanged(principal="7", change=what, at=0.0)]


def log_in(browser: Browser, password: str = SECRET) -> None:
    browser.submit(browser.open("/auth/login"), username="alice", password=password)


def test_a_login_is_told_with_its_session_and_how_long_it_took(told: Told) -> None:
    log_in(told.shop.browser())
    assert (told.records(), told.events()) == logged_in(told.session())


def test_a_login_with_a_further_step_is_told_once(tell: Callable[..., Told]) -> None:
    told = tell(steps=[Pin()])
    browser = told.shop.browser()
    page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET)
    assert (told.records(), told.events()) == ([], [])
    browser.submit(page, pin="1111")
    assert (told.records(), told.events()) == logged_in(told.session())


def test_a_wrong_step_is_told_with_its_name_and_without_what_was_typed(tell: Callable[..., Told]) -> None:
    told = tell(steps=[Pin()])
    browser = told.shop.browser()
    page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET)
    browser.submit(page, pin="0000")
    assert (told.records(), told.events()) == failed("authmw.credentials-rejected", "step pin")


def test_a_login_by_a_view_of_the_application_is_told_as_any_other(told: Told) -> None:
    request = wsgi_request()
    request.environ["REMOTE_ADDR"] = SOURCE
    assert run(told.shop.pages.log_in(request, "7")) is not None
    assert (told.records(), told.events()) == logged_in(told.session())
    told.forget()
    assert run(told.shop.pages.log_in(request, "9")) is None
    assert (told.records(), told.events()) == ([], [])


@pytest.mark.parametrize("way", ["page", "view", "step"])
def test_a_login_that_is_overtaken_is_told_as_one_that_failed(tell: Callable[..., Told], way: str) -> None:
    told = tell(steps=[Pin()] if way == "step" else [])
    shop, browser = told.shop, told.shop.browser()
    add = shop.stores.sessions.add_session

    def overtaken(session: object) -> None:
        shop.stores.revocations.publish(Revocation.of_user("7", shop.clock()))
        add(session)

    shop.stores.sessions.add_session = overtaken
    request = wsgi_request()
    request.environ["REMOTE_ADDR"] = SOURCE
    if way == "view":
        assert run(shop.pages.log_in(request, "7")) is None
    else:
        page = browser.submit(browser.open("/auth/login"), username="alice", password=SECRET)
        if way == "step":
            browser.submit(page, pin="1111")
    ended = shop.stores.sessions.of_user("7")[0]
    said = f"{ended.id} was overtaken by a change of its user"
    assert (told.records(), told.events()) == failed("authmw.session-ended", said)


@pytest.mark.parametrize(
    "username, password, code",
    [("alice", "wrong", "authmw.password-wrong"), ("nobody", "wrong", "authmw.user-unknown")],
)
def test_a_failed_login_is_told_with_its_reason(told: Told, username: str, password: str, code: str) -> None:
    browser = told.shop.browser()
    browser.submit(browser.open("/auth/login"), username=username, password=password)
    assert (told.records(), told.events()) == failed(code)


def test_a_login_that_has_to_wait_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def reserve(*_: object) -> Wait:
        return Wait(6.5, source_failed=True)

    monkeypatch.setattr(told.shop.stores.throttle, "reserve", reserve)
    log_in(told.shop.browser())
    assert (told.records(), told.events()) == failed("authmw.too-many-attempts")


@pytest.mark.parametrize("changes", [{"csrf_token": ""}, {"password": ""}, {"username": ""}])
def test_a_form_that_is_no_login_is_not_told(told: Told, changes: dict[str, str]) -> None:
    browser = told.shop.browser()
    filled: Any = {"username": "alice", "password": SECRET, **changes}
    browser.submit(browser.open("/auth/login"), **filled)
    assert (told.records(), told.events()) == ([], [])


def test_each_way_to_log_out_is_told_with_what_ended(told: Told) -> None:
    shop = told.shop
    browser = shop.logged_in()
    session = told.session()
    told.forget()
    browser.submit(browser.open("/auth/logout"))
    assert told.records() == logged_out(session)
    browser = shop.logged_in()
    session = told.session()
    told.forget()
    request = wsgi_request(cookie=f"__Host-session={browser.jar['__Host-session']}")
    request.environ["REMOTE_ADDR"] = SOURCE
    run(shop.pages.log_out(request))
    assert told.records() == logged_out(session)
    told.forget()
    run(shop.pages.log_out(wsgi_request()))
    shop.browser().post("/auth/logout", {})
    assert told.records() == []


@pytest.mark.parametrize("way", ["page", "view", "ended elsewhere", "too old", "both values"])
def test_a_logout_is_told_once(told: Told, way: str) -> None:
    shop = told.shop
    browser = shop.logged_in()
    session, value = told.session(), browser.jar["__Host-session"]
    cookie = f"__Host-session={value}"
    if way == "both values":
        renewed = run(shop.pages.log_in(wsgi_request(cookie=cookie), "7"))  # the value before is valid for a moment
        assert renewed is not None
        cookie += f"; {renewed[1].partition(';')[0]}"
        assert told.session() == session
    request = wsgi_request(cookie=cookie)
    request.environ["REMOTE_ADDR"] = SOURCE
    told.forget()
    if way == "ended elsewhere":
        shop.stores.sessions.end_session(session, shop.clock())
    elif way == "too old":
        shop.clock.advance(400 * 86_400)
    elif way == "page":
        browser.submit(browser.open("/auth/logout"))
    else:
        run(shop.pages.log_out(request))
    assert told.records() == ([] if way in ("ended elsewhere", "too old") else logged_out(session))
    told.forget()
    run(shop.pages.log_out(request))
    browser.jar["__Host-session"] = value
    browser.post("/auth/logout", {})
    assert told.records() == []


def test_a_new_password_tells_of_the_session_of_another_user_that_it_ends(told: Told) -> None:
    shop = told.shop
    browser = shop.logged_in("bob", "battery staple")
    session = told.session("8")
    browser.submit(browser.open("/auth/forgotten"), username="alice")
    told.forget()
    browser.submit(browser.open(link_in(shop)), new_password=NEW, new_password_again=NEW)
    of_bob = {**logged_out(session)[0], "principal": "8"}
    assert told.records() == [{"event": "changed password", **OF_ALICE}, of_bob]


def test_ending_sessions_is_told_with_each_of_them(told: Told) -> None:
    shop = told.shop
    browser = shop.logged_in()
    own = told.session()
    other = shop.logged_in(agent="Phone")
    (phone,) = [each.id for each in shop.stores.sessions.sessions_of("7", shop.clock()) if each.id != own]
    family = family_of(shop)
    fields = browser.open("/auth/sessions").form.fields
    for ended, records in (
        (phone, logged_out(phone)),
        (family.id, logged_out(family.id)),
        ("session_1", []),
        (phone, []),
        (own, logged_out(own)),
    ):
        told.forget()
        browser.post("/auth/sessions", {**fields, "session": ended})
        assert told.records() == records
    assert other.open("/", follow=False).status == 303


def test_logging_out_everywhere_is_told_once(told: Told) -> None:
    browser = told.shop.logged_in()
    told.shop.logged_in(agent="Phone")
    page = browser.open("/auth/sessions")
    told.forget()
    browser.post("/auth/sessions/end-all", {"csrf_token": page.form.fields["csrf_token"]})
    assert told.records() == logged_out("all")


def test_a_changed_password_is_told_and_a_wrong_one_as_a_login_that_failed(told: Told) -> None:
    browser = told.shop.logged_in()
    told.forget()
    change(browser, "wrong")
    assert (told.records(), told.events()) == failed("authmw.password-wrong")
    told.forget()
    change(browser, new="short")
    assert (told.records(), told.events()) == ([], [])
    change(browser)
    assert (told.records(), told.events()) == changed("password")


def test_a_forgotten_password_is_told_with_the_number_of_mails_and_again_when_it_is_replaced(told: Told) -> None:
    browser = told.shop.browser()
    asked = {"event": "asked for a new password", "source": SOURCE}
    for name, record in (("nobody", asked), ("alice", {**asked, "mails": 1})):
        told.forget()
        browser.submit(browser.open("/auth/forgotten"), username=name)
        assert (told.records(), told.events()) == ([record], [])
    told.forget()
    browser.submit(browser.open(link_in(told.shop)), new_password=NEW, new_password_again=NEW)
    assert (told.records(), told.events()) == changed("password")


def test_a_verified_address_is_told(told: Told) -> None:
    browser = told.shop.browser()
    run(told.shop.pages.send_verification(told.shop.users.find("alice")))
    browser.submit(browser.open(link_in(told.shop)))
    assert (told.records(), told.events()) == changed("email")
