"""What a token service refuses to be configured with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.crypto.keyring import Key, KeyRing
from authmw.crypto.passwords import CHEAPEST, RFC_9106_LOW_MEMORY, PasswordHasher
from authmw.flow.clocks import now
from authmw.flow.pool import WorkPool, default_pool
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.endpoints import ENDPOINTS
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryStores, MemoryThrottle, MemoryTokens, Stores
from authmw.stores.records import Client
from tests.wrong_arguments import refuses_unknown_argument

PAIR = KeyRing.generate()
GOOD: dict[str, Any] = {"issuer": "https://id.example", "audience": "orders", "stores": MemoryStores()}


def service(**options: Any) -> TokenService:
    return TokenService(**{**GOOD, **options})


def mistakes(**options: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        service(**options)
    return raised.value.mistakes


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example",
        "https://id.example/",
        "https://id.example:8443/auth",
        "http://localhost:8000",
        "http://127.0.0.1:8000/auth",
        "http://[::1]:8000",
    ],
)
def test_g9_an_issuer_is_https_or_on_loopback_and_kept_to_the_byte(issuer: str) -> None:
    assert service(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer, fix",
    [
        ("http://id.example", "use https"),
        ("http://127.0.0.1.evil.example", "use https"),
        ("https://id.example?a=b", "without query or fragment"),
        ("https://id.example/?", "without query or fragment"),
        ("https://id.example#top", "without query or fragment"),
        ("https://alice@id.example", "contains a user"),
        ("https://:8443", "and a host"),
        ("https://id.example:port", "the port of the URL is not valid"),
        ("https://[::1", "no IPv6 address"),
        ("ftp://id.example", "a URL without"),
        ("id.example", "a URL without"),
        ("https://id.example/\n", "a URL without"),
        ("https://id.exämple", "a URL without"),
        ("", "a URL without"),
        (None, "a URL without"),
    ],
)
def test_g9_an_issuer_that_cannot_be_one_is_refused(issuer: Any, fix: str) -> None:
    (mistake,) = mistakes(issuer=issuer)
    assert fix in mistake


@pytest.mark.parametrize(
    "issuer, line",
    [
        ("http://shop.example/auth", "https://shop.example/auth"),
        ("shop.example", "https://shop.example"),
        ("http://shop.example?a=b", "https://id.example"),
        ("https://shop.example?a=b", "https://id.example"),
        ("http://alice@shop.example", "https://id.example"),
        ("", "https://id.example"),
        (None, "https://id.example"),
        (7, "https://id.example"),
    ],
)
def test_the_fix_of_an_issuer_is_the_same_one_by_https_where_nothing_else_is_wrong(issuer: Any, line: str) -> None:
    (mistake,) = mistakes(issuer=issuer)
    assert mistake.startswith(f"issuer={issuer!r}: ")
    assert mistake.endswith(
        f"; give a URL without query or fragment, as issuer={line!r}, or 'http://127.0.0.1:8000' while developing"
    )


def test_urls_of_endpoints_come_from_the_issuer() -> None:
    assert service().url("/token") == "https://id.example/token"
    assert service(issuer="https://id.example/auth/").url("/token") == "https://id.example/auth/token"


@pytest.mark.parametrize(
    "keys, fix",
    [
        (KeyRing(Key.from_secret("a secret of at least thirty-two bytes")), "use key pairs"),
        (KeyRing.from_jwks(PAIR.jwks()), "load its private half"),
        (PAIR.signer, "pass KeyRing(key)"),
        ("a secret of at least thirty-two bytes", "needs a KeyRing"),
    ],
    ids=["secrets", "public", "a key", "text"],
)
def test_t16_keys_that_cannot_sign_what_others_verify_are_refused(keys: Any, fix: str) -> None:
    (mistake,) = mistakes(keys=keys)
    assert fix in mistake


@pytest.mark.parametrize("role", ["users", "clients", "tokens", "families", "nonces", "throttle", "revocations"])
def test_stores_that_lack_a_role_are_refused(role: str) -> None:
    kept = MemoryStores()
    partial = {name: getattr(kept, name) for name in Stores.__dataclass_fields__ if name != role}
    (mistake,) = mistakes(stores=Stores(**partial))
    assert f"has no {role}" in mistake


ROLES = "users, no clients, no tokens, no families, no nonces, no throttle, no revocations"


@pytest.mark.parametrize(
    "stores, told",
    [
        (object(), f'stores= has no {ROLES}: write stores=SQLStores("sqlite:///app.db")'),
        (Stores(), f'stores= has no {ROLES}: write stores=SQLStores("sqlite:///app.db")'),
        (
            Stores(users=MemoryStores().users, clients=MemoryStores().clients),
            f"stores= has no {ROLES.partition('clients, no ')[2]}: "
            'write stores=Stores.of(SQLStores("sqlite:///app.db"), Stores(users=..., clients=...))',
        ),
        (
            SimpleNamespace(users=MemoryStores().users),
            f"stores= has no {ROLES.partition('users, no ')[2]}: "
            'write stores=Stores.of(SQLStores("sqlite:///app.db"), SimpleNamespace(...))',
        ),
    ],
    ids=["none", "an empty one", "some", "some of ones own"],
)
def test_the_fix_of_missing_stores_keeps_those_that_are_there(stores: Any, told: str) -> None:
    assert mistakes(stores=stores) == (told,)


def test_a_store_without_a_verb_is_refused_by_its_name() -> None:
    (mistake,) = mistakes(stores=Stores.of(MemoryStores(), Stores(clients=MemoryThrottle())))  # type: ignore[arg-type]
    assert ".clients" in mistake
    assert ".find_client" in mistake


def test_browser_sessions_are_optional_and_end_with_their_user() -> None:
    kept = {name: getattr(MemoryStores(), name) for name in Stores.__slots__ if name != "sessions"}
    assert service(stores=Stores(**kept)).sessions is None
    (mistake,) = mistakes(stores=Stores(**kept, sessions=MemoryThrottle()))  # type: ignore[arg-type]
    assert mistake.startswith("TokenService(stores=...).sessions needs a store with .end_sessions: MemoryThrottle has")


@pytest.mark.parametrize("verb", ["revoke_subject_tokens", "revoke_client_tokens"])
def test_tokens_can_be_revoked_of_a_user_and_of_a_client(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(MemoryTokens, verb)
    (mistake,) = mistakes(stores=MemoryStores())
    assert f"MemoryTokens has no .{verb}" in mistake


def test_a_throttle_of_ones_own_is_joined_to_the_stores() -> None:
    throttle = MemoryThrottle()
    assert service(stores=Stores.of(MemoryStores(), Stores(throttle=throttle))).throttle is throttle


def test_the_class_of_a_store_is_refused() -> None:
    (mistake,) = mistakes(stores=MemoryStores)
    assert "pass MemoryStores(...)" in mistake


@pytest.mark.parametrize(
    "options, fix",
    [
        ({"audience": ""}, "audience is empty"),
        ({"audience": ()}, "audience is empty"),
        ({"audience": ["orders", ""]}, "audience is empty"),
        ({"audience": None}, "audience is empty"),
        ({"audience": 7}, "audience is empty"),
        ({"audience": ["orders", 7]}, "audience is empty"),
        ({"first_party": ""}, "no client id"),
        ({"first_party": "bücher"}, "no client id"),
        ({"realm": "a\nb"}, "printable ASCII"),
        ({"scopes": ["orders:read"]}, "is a mapping of scopes to descriptions"),
        ({"scopes": {"two words": ""}}, "is not a scope"),
        ({"scopes": {"orders:read": None}}, "a description for each scope"),
        ({"cookies": ["https://shop.example"]}, "has to be a CookieMode: CookieMode(['https://shop.example'])"),
        ({"lifetimes": 600}, "has to be a Lifetimes: Lifetimes(access=600)"),
        ({"lifetimes": Lifetimes}, "has to be a Lifetimes"),
        ({"runtime": {}}, "has to be a Runtime: Runtime(store_timeout=2.0)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_configured_is_refused_with_its_fix(options: dict[str, Any], fix: str) -> None:
    (mistake,) = mistakes(**options)
    assert fix in mistake


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(issuer="http://id.example", stores=object(), audience=(), lifetimes=0, runtime=0, realm="")
    assert [mistake.partition(" ")[0].partition("=")[0] for mistake in found] == [
        *("issuer", "audience", "stores", "realm", "lifetimes", "runtime")
    ]


@pytest.mark.parametrize(
    "options, fix",
    [
        ({"access": 86_401}, "Lifetimes(access=86401) has to be a number of seconds from 1 to 86400"),
        ({"access": 0}, "from 1 to"),
        ({"access": 600.0}, "access=600.0"),
        ({"access": True}, "access=True"),
        ({"refresh": 400 * 86_400 + 1}, "refresh="),
        ({"idle": None}, "idle=None"),
        ({"refresh": 86_400, "idle": 86_401}, "longer than refresh=86400"),
        ({"grace": 61}, "from 0 to 60"),
        ({"grace": -1}, "from 0 to 60"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_lifetimes_out_of_their_bounds_are_refused_with_their_fix(options: dict[str, Any], fix: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Lifetimes(**options)
    (mistake,) = raised.value.mistakes
    assert fix in mistake


@pytest.mark.parametrize("keys", [None, PAIR], ids=["opaque", "JWT"])
def test_what_a_service_runs_with_is_passed_on_to_all_that_it_is_made_of(keys: KeyRing | None) -> None:
    stores = MemoryStores()
    hasher, pool = PasswordHasher(CHEAPEST), WorkPool(slots=1, queue=1)

    def clock() -> float:
        return 7.0

    runtime = Runtime(
        revocation_bound=11.0, outage_bound=12.0, store_timeout=13.0, hasher=hasher, pool=pool, clock=clock
    )
    lifetimes = Lifetimes(access=14)
    options: dict[str, Any] = {"stores": stores, "audience": ["orders", "billing"], "keys": keys, "runtime": runtime}
    made: Any = service(**options, lifetimes=lifetimes, scopes={"a": "b"}, first_party="web", realm="shop")
    assert (made.feed.bound, made.feed.outage_bound, made.store_timeout) == (11.0, 12.0, 13.0)
    assert (made.pool, made.clock, made.lifetimes) == (pool, clock, lifetimes)
    assert (made.scopes, made.first_party, made.realm, made.own_client.id) == ({"a": "b"}, "web", "shop", "web")
    assert made.audience == ("orders", "billing")
    roles = ("users", "clients", "tokens", "families", "nonces", "throttle", "revocations", "sessions")
    assert all(getattr(made, role) is getattr(stores, role) for role in roles)
    # A login is always checked and counted.
    assert (made.passwords.users, made.passwords.hasher, made.passwords.remember_for) == (stores.users, hasher, 0)
    assert made.passwords._attempts._throttle is made.client_attempts._throttle is stores.throttle
    verifier = made.verifier()
    parts = [made.feed, made.passwords, made.passwords._attempts, made.client_attempts]
    assert {part._clock for part in parts} == {clock}
    assert (verifier.clock if keys else verifier._clock) is clock
    assert verifier._revocations is made.feed
    assert (verifier.rules.audiences if keys else verifier._audiences) == {"orders", "billing"}
    if keys:
        assert (verifier.rules.issuer, verifier.reader.ring) == (made.issuer, keys)


@pytest.mark.parametrize(
    "name, most, options",
    [
        ("access", 86_400, {}),
        ("refresh", 400 * 86_400, {"idle": 1}),
        ("idle", 400 * 86_400, {"refresh": 400 * 86_400}),
        ("grace", 60, {}),
    ],
)
def test_a_lifetime_is_anything_from_its_least_to_its_most(name: str, most: int, options: dict[str, Any]) -> None:
    least = 0 if name == "grace" else 1
    for seconds in (least, most):
        assert getattr(Lifetimes(**{**options, name: seconds}), name) == seconds
    for seconds in (least - 1, most + 1):
        with pytest.raises(ConfigurationError) as raised:
            Lifetimes(**{**options, name: seconds})
        told = f"Lifetimes({name}={seconds}) has to be a number of seconds from {least} to {most}"
        assert raised.value.mistakes[0] == told


def test_lifetimes_may_be_given_as_timedeltas_of_whole_seconds() -> None:
    day = timedelta(days=1)
    given = Lifetimes(access=timedelta(minutes=5), refresh=3 * day, idle=day, grace=timedelta(seconds=9))
    assert given == Lifetimes(access=300, refresh=3 * 86_400, idle=86_400, grace=9)
    with pytest.raises(ConfigurationError, match=r"access=0\.5"):
        Lifetimes(access=timedelta(milliseconds=500))


def test_without_arguments_everything_is_as_the_docs_say() -> None:
    default = service()
    assert default.lifetimes == Lifetimes(access=600, refresh=30 * 86_400, idle=14 * 86_400, grace=30)
    assert (default.realm, default.first_party, default.password, default.scopes) == ("app", "first-party", False, None)
    assert (default.audience, default.keys, default.cookies, default.token_signer) == (("orders",), None, None, None)
    assert (default.pool, default.store_timeout, default.clock, default.entropy) == (default_pool, 2.0, now, os.urandom)
    assert (default.feed.bound, default.feed.outage_bound) == (1.0, 30.0)
    assert default.own_client == Client(
        "first-party", auth_method="none", grant_types=frozenset({"password", "refresh_token"})
    )
    running = Runtime()
    assert running.hasher.profile == RFC_9106_LOW_MEMORY
    expected = {"revocation_bound": 1.0, "outage_bound": 30.0, "store_timeout": 2.0, "hasher": running.hasher}
    expected |= {"pool": default_pool, "clock": now, "entropy": os.urandom}
    assert {each.name: getattr(running, each.name) for each in fields(Runtime)} == expected


def test_all_mistakes_of_lifetimes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Lifetimes(access=0, refresh=10, idle=20, grace=90)
    assert raised.value.mistakes == (
        "Lifetimes(access=0) has to be a number of seconds from 1 to 86400",
        "Lifetimes(grace=90) has to be a number of seconds from 0 to 60",
        "Lifetimes(idle=20) is longer than refresh=10: it would never end a session; shorten it",
    )


@pytest.mark.parametrize(
    "options, fix",
    [
        ({"revocation_bound": 0}, "Runtime(revocation_bound=0) has to be a number of seconds above 0"),
        ({"revocation_bound": float("inf")}, "revocation_bound=inf"),
        ({"revocation_bound": True}, "revocation_bound=True"),
        ({"store_timeout": -1.0}, "store_timeout=-1.0"),
        ({"store_timeout": None}, "store_timeout=None"),
        ({"hasher": PasswordHasher}, "takes a PasswordHasher"),
        ({"pool": 4}, "takes a WorkPool, not 4: leave it out, or pass WorkPool(...)"),
        ({"clock": 0.0}, "has to be a function, as time.time"),
        ({"entropy": b"random"}, "has to be a function, as os.urandom"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_a_runtime_that_cannot_work_is_refused_with_its_fix(options: dict[str, Any], fix: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Runtime(**options)
    (mistake,) = raised.value.mistakes
    assert fix in mistake


@pytest.mark.parametrize("name", ["revocation_bound", "outage_bound", "store_timeout"])
def test_each_time_of_a_runtime_is_any_number_of_seconds_above_zero(name: str) -> None:
    good: list[Any] = [timedelta(seconds=2), timedelta(milliseconds=250), 0.001, 9e9]
    bad: list[Any] = [0, 0.0, -0.1, timedelta(0), float("inf"), float("nan"), None, "1", True]
    for given, kept in zip(good, (2, 0.25, 0.001, 9e9), strict=True):
        assert getattr(Runtime(**{name: given}), name) == kept
    for wrong in bad:
        with pytest.raises(ConfigurationError) as raised:
            Runtime(**{name: wrong})
        shown = 0 if wrong == timedelta(0) else wrong
        assert raised.value.mistakes == (f"Runtime({name}={shown!r}) has to be a number of seconds above 0, as 1.0",)


def test_all_mistakes_of_a_runtime_are_told_at_once() -> None:
    wrong: Any = None
    with pytest.raises(ConfigurationError) as raised:
        Runtime(revocation_bound=0, store_timeout=0, hasher=wrong, pool=wrong, clock=wrong, entropy=wrong)
    assert raised.value.mistakes == (
        "Runtime(revocation_bound=0) has to be a number of seconds above 0, as 1.0",
        "Runtime(store_timeout=0) has to be a number of seconds above 0, as 1.0",
        "Runtime(hasher=...) takes a PasswordHasher, not None: leave it out, or pass PasswordHasher(...)",
        "Runtime(pool=...) takes a WorkPool, not None: leave it out, or pass WorkPool(...)",
        "Runtime(clock=None) has to be a function, as time.time",
        "Runtime(entropy=None) has to be a function, as os.urandom",
    )


def test_all_mistakes_of_a_cookie_mode_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        CookieMode(["http://shop.example", "shop"], access="session", refresh="session")
    mistakes = raised.value.mistakes
    assert len(mistakes) == 2 + 2 + 1
    assert mistakes[4] == "CookieMode(access='session', refresh='session') is one name: name two cookies"


LINES: dict[Callable[..., object], str] = {
    TokenService: 'TokenService(issuer="https://...", audience="...", stores=...)',
    CookieMode: "CookieMode(['https://shop.example'])",
    Lifetimes: "Lifetimes(access=600)",
    Runtime: "Runtime(store_timeout=2.0)",
}


@pytest.mark.parametrize("make, line", LINES.items(), ids=LINES.values())
def test_an_argument_that_there_is_not_is_refused_with_the_line_to_write(
    make: Callable[..., object], line: str
) -> None:
    refuses_unknown_argument(make, line)


def test_every_endpoint_answers_below_the_issuer() -> None:
    assert set(ENDPOINTS) >= {
        "/token",
        "/revoke",
        "/introspect",
        "/jwks.json",
        "/.well-known/oauth-authorization-server",
    }


def test_the_password_grant_is_offered_only_when_asked_for() -> None:
    assert service().grant_types == ("refresh_token", "client_credentials")
    assert service(password=True).grant_types == ("password", "refresh_token", "client_credentials")


def test_a_service_shows_nothing_secret() -> None:
    assert repr(service(keys=PAIR)) == "TokenService(issuer='https://id.example', JWTs)"
    assert repr(service()) == "TokenService(issuer='https://id.example', opaque tokens)"
