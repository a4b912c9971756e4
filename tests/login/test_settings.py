"""Settings of the login pages: what each is by default, at its edges, and what is said of one that is wrong."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import timedelta
from inspect import signature
from types import SimpleNamespace
from typing import Any, Final

import pytest

from authmw import ConfigurationError, Session
from authmw.flow.clocks import now
from authmw.flow.flow import STORE_TIMEOUT
from authmw.flow.pool import WorkPool, default_pool
from authmw.login import LoginOptions, LoginPages, SessionLifetimes
from authmw.login.kept import KeptForLogin
from authmw.login.service import RoutedPage
from authmw.pages import Look
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher
from tests.login.shop import SECRET, Shop
from tests.requests import wsgi_request

HOUR: Final = 3600
DAY: Final = 86_400
PUBLIC: Final = "https://shop.example/auth"
LONGEST: Final = {
    "idle": 400 * DAY,
    "absolute": 400 * DAY,
    "remembered_idle": 400 * DAY,
    "remembered": 400 * DAY,
    "recovery": DAY,
    "verification": 7 * DAY,
    "step": HOUR,
}
ASKED: Final = {
    "users": ("find", "find_by_id", "find_by_email", "change_password_hash", "verify_email"),
    "sessions": ("add_session", "find_session", "renew_session", "end_session", "end_sessions", "sessions_of"),
    "pending": ("put_pending", "peek_pending", "take_pending", "drop_pending"),
    "families": ("end_family", "end_families", "end_session_families", "families_of"),
    "tokens": ("revoke_family_tokens", "revoke_subject_tokens"),
    "revocations": ("publish", "revocations_after", "find_revocations"),
    "throttle": ("reserve", "settle", "make_familiar"),
}


class Step:
    """A step that nobody has to pass."""

    name, amr = "pin", "pin"
    fields: tuple[tuple[str, str], ...] = (("pin", "Your PIN"),)

    def is_needed(self, _: object) -> bool:
        return False

    def check(self, *_: object) -> bool:
        return False


def pages(stores: Any = None, **options: Any) -> LoginPages:
    kept = MemoryStores()
    return LoginPages(Session(kept), kept if stores is None else stores, **options)


def mistakes_of(stores: Any = None, **options: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        pages(stores, **options)
    return list(refused.value.mistakes)


def with_lifetime(name: str, value: Any) -> SessionLifetimes:
    """Lifetimes of which one is `value`, and none that is longer than another one which it may not exceed."""
    longest: Any = {"absolute": LONGEST["absolute"], "remembered": LONGEST["remembered"]}
    shortest: Any = {"idle": 1, "remembered_idle": 1}
    return SessionLifetimes(**{**longest, **shortest, name: value})


def test_how_long_sessions_and_links_live_by_default() -> None:
    assert asdict(SessionLifetimes()) == {
        "idle": 2 * HOUR,
        "absolute": 12 * HOUR,
        "remembered_idle": 14 * DAY,
        "remembered": 30 * DAY,
        "recovery": HOUR,
        "verification": DAY,
        "step": 600,
    }


@pytest.mark.parametrize("name", LONGEST)
def test_a_lifetime_is_a_number_of_seconds_from_one_to_the_longest(name: str) -> None:
    for fitting in (1, 1.0, 59.5, LONGEST[name]):
        assert getattr(with_lifetime(name, fitting), name) == fitting
    assert getattr(with_lifetime(name, timedelta(seconds=90)), name) == 90
    for value in (0, 0.999, -5, LONGEST[name] + 1, float("nan"), float("inf"), True, "60", None):
        with pytest.raises(ConfigurationError) as refused:
            with_lifetime(name, value)
        assert refused.value.mistakes == (
            f"SessionLifetimes({name}={value!r}) has to be a number of seconds from 1 to {LONGEST[name]}",
        )


@pytest.mark.parametrize("idle, absolute", [("idle", "absolute"), ("remembered_idle", "remembered")])
def test_an_idle_lifetime_is_at_most_the_absolute_one(idle: str, absolute: str) -> None:
    fitting: Any = {idle: 60, absolute: 60}
    assert getattr(SessionLifetimes(**fitting), idle) == 60
    longer: Any = {idle: 61, absolute: 60}
    with pytest.raises(ConfigurationError) as refused:
        SessionLifetimes(**longer)
    (mistake,) = refused.value.mistakes
    assert mistake.startswith(f"SessionLifetimes({idle}=61) is longer than {absolute}=60: ")


def test_every_lifetime_that_is_wrong_is_told() -> None:
    wrong: Any = dict.fromkeys(LONGEST, "long")
    with pytest.raises(ConfigurationError) as refused:
        SessionLifetimes(**wrong)
    assert [each.partition("=")[0] for each in refused.value.mistakes] == [f"SessionLifetimes({n}" for n in LONGEST]
    with pytest.raises(ConfigurationError) as refused:
        SessionLifetimes(idle=61, absolute=60, remembered_idle=61, remembered=60)
    assert len(refused.value.mistakes) == 2


def test_a_session_lives_the_tenth_longer_by_which_a_use_may_be_written_late() -> None:
    lifetimes = SessionLifetimes(idle=100, absolute=200, remembered_idle=300, remembered=400)
    assert [lifetimes.idle_for(remember=each) for each in (False, True)] == [110, 330]
    assert [lifetimes.ends_after(remember=each) for each in (False, True)] == [200, 400]


def test_the_settings_by_default() -> None:
    made = pages()
    shown = ("public_url", "home", "look", "languages", "steps", "lifetimes", "outbox", "template", "store_timeout")
    assert {name: getattr(made, name) for name in shown} == {
        "public_url": "",
        "home": "/",
        "look": Look(),
        "languages": (),
        "steps": (),
        "lifetimes": SessionLifetimes(),
        "outbox": None,
        "template": None,
        "store_timeout": STORE_TIMEOUT,
    }
    assert (made.remember_me, made.shortest, made.policy) == (True, 8, None)
    assert made.clock is now
    assert made.pool is default_pool
    assert made.paths == ("/login", "/logout", "/password", "/sessions", "/sessions/end-all")


def test_options_for_a_local_auth_are_by_default_as_those_of_the_pages() -> None:
    given = signature(LoginPages).parameters
    options = LoginOptions()
    assert {each.name: getattr(options, each.name) for each in fields(LoginOptions)} == {
        each.name: given[each.name].default for each in fields(LoginOptions)
    }


def test_every_setting_is_kept() -> None:
    stores, look, lifetimes, pool = MemoryStores(), Look("Shop"), SessionLifetimes(step=60), WorkPool(1)
    step, session = Step(), Session(stores)

    def template(*_: object) -> None: ...

    def is_fine(*_: object) -> bool:
        return True

    made = LoginPages(
        session,
        stores,
        public_url=f"{PUBLIC}/",
        send_mail=print,
        home="/orders",
        look=look,
        template=template,
        languages=["de", "en"],
        lifetimes=lifetimes,
        steps=iter([step]),
        remember_me=False,
        shortest_password=12,
        password_policy=is_fine,
        pool=pool,
        store_timeout=timedelta(seconds=5),
        clock=float,
    )
    assert (made.session, made.public_url, made.home, made.languages) == (session, PUBLIC, "/orders", ("de", "en"))
    assert (made.look, made.template, made.lifetimes, made.steps) == (look, template, lifetimes, (step,))
    assert (made.remember_me, made.shortest, made.policy) == (False, 12, is_fine)
    assert (made.pool, made.store_timeout, made.clock, made.kept.clock) == (pool, 5, float, float)
    assert made.paths == (
        *("/login", "/login/step", "/logout", "/password", "/forgotten", "/reset", "/verify"),
        *("/sessions", "/sessions/end-all"),
    )
    routed = RoutedPage(made, "/login")
    assert (routed.pages, routed.path, routed.pool, routed.store_timeout) == (made, "/login", pool, 5)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"public_url": "shop.example"}, "public_url='shop.example': "),
        ({"public_url": f"{PUBLIC}?a=1"}, f"public_url='{PUBLIC}?a=1': "),
        ({"send_mail": "me@mail.example", "public_url": PUBLIC}, "send_mail= is a function of a Mail"),
        ({"send_mail": print}, "send_mail= needs public_url="),
        *(
            ({"home": home}, f"home={home!r} has to be a path of this application")
            for home in ("", "orders", "//x", "https://x.example/", "/\\x")
        ),
        *(
            ({"shortest_password": number}, f"shortest_password={number!r} has to be a number of characters")
            for number in (0, -1, 65, 8.0, True, "8", None)
        ),
        ({"steps": [Step(), Step()]}, "steps= have one name twice: ['pin', 'pin']"),
        ({"steps": [Step]}, "steps= takes steps of a login, not type: it needs name"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_alone(options: dict[str, Any], said: str) -> None:
    (mistake,) = mistakes_of(**options)
    assert mistake.startswith(said)


@pytest.mark.parametrize("number", [1, 64])
def test_the_shortest_password_at_its_edges(number: int) -> None:
    assert pages(shortest_password=number).shortest == number


def test_every_mistake_is_told_at_once() -> None:
    stores = SimpleNamespace(**{**vars_of(MemoryStores()), "pending": None})
    told = mistakes_of(stores, public_url="x", send_mail="me", home="", shortest_password=0, steps=[object()])
    begins = ["public_url", "send_mail", "home", "shortest_password", "steps", "LoginPages"]
    assert [each.partition("=")[0].partition(" ")[0] for each in told] == begins


@pytest.mark.parametrize("missing", ["name", "amr", "fields", "is_needed", "check"])
def test_a_step_without_one_of_its_parts_is_refused(missing: str) -> None:
    parts = {name: getattr(Step(), name) for name in ("name", "amr", "fields", "is_needed", "check")}
    assert pages(steps=[SimpleNamespace(**parts)]).paths[1] == "/login/step"
    del parts[missing]
    for steps in ([SimpleNamespace(**parts)], [Step(), SimpleNamespace(**parts)]):
        (mistake,) = mistakes_of(steps=steps)
        assert mistake.startswith("steps= takes steps of a login, not SimpleNamespace: it needs name, amr, fields,")


@pytest.mark.parametrize("session, given", [(object(), "object"), (Session, "Session"), (None, "NoneType")])
def test_what_is_no_session_is_named(session: Any, given: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        LoginPages(session, MemoryStores())
    assert refused.value.mistakes == (
        f"LoginPages needs the Session of the Auth, not {given}: write LoginPages(session, stores)",
    )


def vars_of(stores: MemoryStores) -> dict[str, Any]:
    return {role: getattr(stores, role) for role in ASKED}


def test_the_stores_are_kept_as_they_are_given() -> None:
    stores, session = MemoryStores(), Session(MemoryStores())
    kept = LoginPages(session, stores, clock=float).kept
    assert {role: getattr(kept, role) for role in ASKED} == vars_of(stores)
    assert (kept.browser_sessions, kept.feed, kept.clock) == (stores.sessions, session.feed, float)
    assert session.feed is not None


@pytest.mark.parametrize("role", ASKED)
def test_stores_of_which_one_is_missing_are_refused(role: str) -> None:
    for stores in (
        SimpleNamespace(**{**vars_of(MemoryStores()), role: None}),
        SimpleNamespace(**{name: each for name, each in vars_of(MemoryStores()).items() if name != role}),
    ):
        with pytest.raises(ConfigurationError) as refused:
            KeptForLogin(stores, feed=None, clock=now)
        assert refused.value.mistakes == (
            f'LoginPages needs {role}: write LoginPages(session, SQLStores("sqlite:///app.db"))',
        )


@pytest.mark.parametrize("role, missing", [(role, method) for role, methods in ASKED.items() for method in methods])
def test_a_store_without_one_of_its_methods_is_refused(role: str, missing: str) -> None:
    methods = {name: print for name in ASKED[role] if name != missing}
    stores = SimpleNamespace(**{**vars_of(MemoryStores()), role: SimpleNamespace(**methods)})
    (mistake,) = mistakes_of(stores)
    assert mistake.startswith(f"LoginPages(stores=...).{role} needs a store with ")
    assert f"SimpleNamespace has no .{missing};" in mistake
    others = SimpleNamespace(**{**vars(stores), "throttle": None, "tokens": None})
    assert len(mistakes_of(others)) == len({role, "throttle", "tokens"})


@pytest.mark.parametrize("origins", [[], ["https://www.shop.example"]])
def test_forms_come_from_the_public_url_and_from_the_origins_of_the_session(origins: list[str]) -> None:
    stores = MemoryStores()
    made = LoginPages(Session(stores, origins=origins), stores, public_url="https://SHOP.example:443/auth")
    for origin, is_own in (
        ("https://shop.example", True),
        ("https://www.shop.example", bool(origins)),
        ("https://evil.example", False),
    ):
        request = wsgi_request(method="POST", origin=origin)
        assert made.forms.is_from_elsewhere(request) is not is_own
    assert not pages().forms.is_from_elsewhere(wsgi_request(method="POST", origin="https://any.example"))


def test_passwords_are_hashed_as_the_hasher_is_set_up() -> None:
    shop = Shop(hasher=PasswordHasher(CHEAPEST))
    browser = shop.logged_in()
    page = browser.open("/auth/password")
    browser.submit(page, old_password=SECRET, new_password="a new secret", new_password_again="a new secret")
    assert f"m={CHEAPEST.memory}" in shop.users.find("alice").password_hash
    shop.close()
