"""Durations: wherever the faces take seconds, they take a timedelta too."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from authmw import (
    ApiKeyVerifier,
    Auth,
    ConfigurationError,
    DigestVerifier,
    DPoPVerifier,
    HTTPBearer,
    Issuer,
    JWTVerifier,
    KeyRing,
    PasswordVerifier,
    issue,
)
from authmw.errors import FACES
from authmw.issuers import CachePolicy, DPoPNonces, HTTPFetcher, IntrospectionVerifier
from authmw.oauth2 import Lifetimes, Runtime
from authmw.stores import (
    MemoryApiKeys,
    MemoryRevocations,
    MemoryStores,
    MemoryThrottle,
    MemoryTokens,
    MemoryUsers,
    RevocationFeed,
)
from authmw.testing import FakeClock, FakeIssuer

# Parameters that hold a number which is no duration in a setting: counts, sizes, moments, the parts of which a duration
# is made, and the methods of ports, which authmw calls itself.
NO_DURATION: Final = frozenset(
    "at attempts batch chance count created_at expires_at failures first_free free idle_until lanes last_used_at limit "
    "number radius shortest shortest_password started_at "
    "by familiar_until max_body max_bytes memory not_before now pool_size racers remember remember_until retry_after "
    "revoked_at rotated_at rounds signature_length since size status time times until changes minutes hours "
    "days".split()
)
# Called by authmw with numbers: the driver of each request, the values of a policy, and a record.
CALLED_BY_AUTHMW: Final = frozenset({"run_async", "CachePolicy.fresh_for", "Rotation", "Rotation.__init__"})


def _numbers() -> Iterator[tuple[str, str, str]]:
    """Each parameter of a face whose annotation is a number: the function, its name, and the annotation."""
    for face in FACES:
        module = importlib.import_module(face)
        for name in module.__all__:
            for place, function in _functions(name, getattr(module, name)):
                for parameter in inspect.signature(function).parameters.values():
                    annotation = str(parameter.annotation)
                    parts = annotation.replace(" ", "").split("|")
                    if "float" in parts or "int" in parts:
                        yield f"{face}: {place}", parameter.name, annotation


def _functions(name: str, found: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    if inspect.isfunction(found):
        yield name, found
    if inspect.isclass(found) and found.__module__.startswith("authmw"):
        for method, function in vars(found).items():
            if inspect.isfunction(function) and (method == "__init__" or not method.startswith("_")):
                yield f"{name}.{method}", function


def test_each_number_of_a_face_is_a_duration_or_known_to_be_none() -> None:
    unknown = [
        (place, name, annotation)
        for place, name, annotation in _numbers()
        if name not in NO_DURATION and place.partition(": ")[2] not in CALLED_BY_AUTHMW and not _is_dataclass(place)
    ]
    assert unknown == []


def _is_dataclass(place: str) -> bool:
    """Records and policies: their `__init__` is written for type checkers, and the table below calls them."""
    face, _, function = place.partition(": ")
    return hasattr(getattr(importlib.import_module(face), function.partition(".")[0]), "__dataclass_fields__")


KEYS: Final = KeyRing.generate()
NAMES: Final[dict[str, Any]] = {"issuer": "https://id.example", "audience": "orders"}
JWTS: Final = JWTVerifier(KEYS, **NAMES)


def _introspection(**options: Any) -> IntrospectionVerifier:
    return IntrospectionVerifier("https://id.example/i", audience="orders", client_id="a", client_secret="b", **options)


def _rotated(overlap: Any) -> object:
    stores = MemoryStores()
    stores.clients.create("robot")
    return stores.clients.rotate_secret("robot", overlap=overlap)


def _rotated_key(overlap: Any) -> object:
    keys = MemoryApiKeys()
    return keys.rotate(keys.create("alice")[1].id, overlap=overlap)


def _advanced(duration: Any) -> float:
    clock = FakeClock(0.0)
    clock.advance(duration)
    return clock()


TAKES: Final[dict[str, Callable[[Any], object]]] = {
    "ApiKeyVerifier(touch_every=)": lambda five: ApiKeyVerifier(MemoryApiKeys(), touch_every=five),
    "Auth(store_timeout=)": lambda five: Auth(HTTPBearer(), store_timeout=five),
    "DPoPVerifier(max_age=)": lambda five: DPoPVerifier(JWTS, public_url="https://api.example", max_age=five),
    "DPoPVerifier(leeway=)": lambda five: DPoPVerifier(JWTS, public_url="https://api.example", leeway=five),
    "DigestVerifier(max_age=)": lambda five: DigestVerifier(MemoryUsers(), max_age=five),
    "Issuer(leeway=)": lambda five: Issuer("https://id.example", audience="orders", leeway=five),
    "JWTVerifier(leeway=)": lambda five: JWTVerifier(KEYS, leeway=five, **NAMES),
    "PasswordVerifier(remember_for=)": lambda five: PasswordVerifier(MemoryUsers(), remember_for=five),
    "issue(lifetime=)": lambda five: issue("alice", keys=KEYS, lifetime=five, **NAMES),
    "api_keys.create(lifetime=)": lambda five: MemoryApiKeys().create("alice", lifetime=five),
    "api_keys.rotate(overlap=)": _rotated_key,
    "tokens.create(lifetime=)": lambda five: MemoryTokens().create("alice", lifetime=five),
    "clients.rotate_secret(overlap=)": _rotated,
    "MemoryThrottle(first=)": lambda five: MemoryThrottle(first=five),
    "MemoryThrottle(longest=)": lambda five: MemoryThrottle(longest=five),
    "RevocationFeed(bound=)": lambda five: RevocationFeed(MemoryRevocations(), bound=five),
    "RevocationFeed(outage_bound=)": lambda five: RevocationFeed(MemoryRevocations(), outage_bound=five),
    "CachePolicy(least=)": lambda five: CachePolicy(least=five),
    "CachePolicy(most=)": lambda five: CachePolicy(least=1, default=1, most=five),
    "CachePolicy(default=)": lambda five: CachePolicy(least=1, default=five),
    "CachePolicy(stale=)": lambda five: CachePolicy(stale=five),
    "CachePolicy(cooldown=)": lambda five: CachePolicy(cooldown=five),
    "CachePolicy(first_retry=)": lambda five: CachePolicy(first_retry=five),
    "CachePolicy(last_retry=)": lambda five: CachePolicy(last_retry=five),
    "DPoPNonces(max_age=)": lambda five: DPoPNonces(b"s" * 32, max_age=_doubled(five)),
    "HTTPFetcher(timeout=)": lambda five: HTTPFetcher(timeout=five),
    "IntrospectionVerifier(keep=)": lambda five: _introspection(keep=five),
    "IntrospectionVerifier(leeway=)": lambda five: _introspection(leeway=five),
    "Lifetimes(access=)": lambda five: Lifetimes(access=five),
    "Lifetimes(refresh=)": lambda five: Lifetimes(refresh=five, idle=1),
    "Lifetimes(idle=)": lambda five: Lifetimes(idle=five),
    "Lifetimes(grace=)": lambda five: Lifetimes(grace=five),
    "Runtime(revocation_bound=)": lambda five: Runtime(revocation_bound=five),
    "Runtime(outage_bound=)": lambda five: Runtime(outage_bound=five),
    "Runtime(store_timeout=)": lambda five: Runtime(store_timeout=five),
    "FakeClock.advance()": _advanced,
    "FakeIssuer(max_age=)": lambda five: FakeIssuer(max_age=five),
    "FakeIssuer.token(lifetime=)": lambda five: FakeIssuer().token(audience="orders", lifetime=five),
}
FOR_TESTS: Final = frozenset(name for name in TAKES if name.startswith("Fake"))


def _doubled(five: Any) -> Any:
    """The shortest time there is 10 seconds."""
    return five * 2 if isinstance(five, timedelta | int) else five


@pytest.mark.parametrize("name", TAKES)
def test_a_timedelta_is_taken_as_its_seconds(name: str) -> None:
    taken, same = TAKES[name](timedelta(seconds=5)), TAKES[name](5)
    assert _state(taken) == _state(same)


def _state(made: object) -> object:
    """What the object keeps of its settings: numbers."""
    if isinstance(made, float | int):
        return made
    names = {*getattr(made, "__dict__", ()), *getattr(type(made), "__slots__", ())}
    return {name: value for name in names if isinstance(value := getattr(made, name, None), float | int)}


@pytest.mark.parametrize("name", sorted(set(TAKES) - FOR_TESTS))
@pytest.mark.parametrize("wrong", ["5", [5], True], ids=repr)
def test_what_is_no_duration_is_a_mistake_in_the_settings(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        TAKES[name](wrong)


def test_a_timedelta_says_when_a_token_expires() -> None:
    _, record = MemoryTokens(clock=lambda: 1000.0).create("alice", lifetime=timedelta(minutes=5))
    assert record.expires_at == 1300.0
    token = issue("alice", keys=KEYS, lifetime=timedelta(minutes=5), clock=lambda: 1000.0, **NAMES)
    verdict: Any = JWTVerifier(KEYS, clock=lambda: 1000.0, **NAMES).verify(_bearer(token))
    assert verdict.principal.expires_at == 1300


def _bearer(token: str) -> Any:
    from authmw import BearerToken

    return BearerToken(token)
