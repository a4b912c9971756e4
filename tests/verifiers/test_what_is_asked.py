"""What verifiers say that they ask of stores: each name is a method of a port, so that a lack is found at start-up."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import pytest

import authmw.verifiers
from authmw.errors import ConfigurationError
from authmw.identity.credentials import BoundToken
from authmw.oauth2 import TokenService
from authmw.stores import ports, session_ports
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.digest import DigestVerifier
from authmw.verifiers.dpop import DPoPVerifier
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.session import SessionVerifier
from authmw.verifiers.token import TokenVerifier
from tests.wrong_arguments import refuses_unknown_argument

PORTS: Final = frozenset(
    name
    for module in (ports, session_ports)
    for port in vars(module).values()
    if inspect.isclass(port) and getattr(port, "_is_protocol", False)
    for name in vars(port)
    if not name.startswith("_")
)
MODULES: Final = [
    importlib.import_module(f"authmw.verifiers.{each.name}") for each in pkgutil.iter_modules(authmw.verifiers.__path__)
]
ASKING: Final = sorted(
    {each for module in MODULES for each in vars(module).values() if inspect.isclass(each) and "asks" in vars(each)}
    | {TokenService},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ASKING, ids=lambda kind: kind.__name__)
def test_what_is_asked_is_a_method_of_a_port(kind: type) -> None:
    asked: tuple[str, ...] = vars(kind)["asks"]
    assert asked
    assert set(asked) - PORTS == set()


LINES: Final[dict[Callable[..., object], str]] = {
    ApiKeyVerifier: "ApiKeyVerifier(stores.keys)",
    DigestVerifier: "DigestVerifier(stores.users)",
    DPoPVerifier: 'DPoPVerifier(JWTVerifier(...), public_url="https://...")',
    JWTVerifier: 'JWTVerifier(keys, issuer="https://...", audience="...")',
    PasswordVerifier: "PasswordVerifier(stores.users)",
    TokenVerifier: "TokenVerifier(stores.tokens)",
}


@pytest.mark.parametrize("make, line", LINES.items(), ids=LINES.values())
def test_an_argument_that_a_verifier_has_not_is_refused_with_the_line_to_write(
    make: Callable[..., object], line: str
) -> None:
    refuses_unknown_argument(make, line)


THROTTLE: Final = ("reserve", "settle", "make_familiar")
GOOD: Final[Any] = SimpleNamespace(**dict.fromkeys([*PORTS, "verify"], print), accepts=(BoundToken,))
ASKED: Final[list[tuple[str, Callable[[Any], object], tuple[str, ...]]]] = [
    ("keys", ApiKeyVerifier, ("find_key", "touch_key")),
    ("tokens", TokenVerifier, ("find_token",)),
    ("users", PasswordVerifier, ("find",)),
    ("a throttle of passwords", lambda store: PasswordVerifier(GOOD, throttle=store), THROTTLE),
    ("users of Digest", DigestVerifier, ("find_digest", "find_digest_by_userhash")),
    ("counts of Digest", lambda store: DigestVerifier(GOOD, nonces=store), ("use_nonce",)),
    ("a throttle of Digest", lambda store: DigestVerifier(GOOD, throttle=store), THROTTLE),
    ("used proofs", lambda store: DPoPVerifier(GOOD, public_url="https://a.example", nonces=store), ("use_nonce",)),
    (
        "sessions",
        lambda store: SessionVerifier(store, GOOD, cookie=GOOD.verify),
        ("find_session", "renew_session", "touch_session"),
    ),
    ("users of sessions", lambda store: SessionVerifier(GOOD, store, cookie=GOOD.verify), ("find_by_id",)),
]


@pytest.mark.parametrize("make, verbs", [case[1:] for case in ASKED], ids=[case[0] for case in ASKED])
def test_a_store_that_lacks_a_method_is_refused_at_construction(
    make: Callable[[Any], object], verbs: tuple[str, ...]
) -> None:
    make(SimpleNamespace(**dict.fromkeys(verbs, print)))
    for missing in verbs:
        with pytest.raises(ConfigurationError, match=rf"\.{missing}\b"):
            make(SimpleNamespace(**dict.fromkeys(set(verbs) - {missing}, print)))


def test_all_that_ask_are_looked_at() -> None:
    assert {"ApiKeyVerifier", "DigestVerifier", "PasswordVerifier", "SessionVerifier", "TokenVerifier"} <= {
        kind.__name__ for kind in ASKING
    }
