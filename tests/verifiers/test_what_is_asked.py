"""What verifiers say that they ask of stores: each name is a method of a port, so that a lack is found at start-up."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Final

import pytest

import authmw.verifiers
from authmw.errors import WrongArguments
from authmw.oauth2 import TokenService
from authmw.stores import ports, session_ports
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.digest import DigestVerifier
from authmw.verifiers.dpop import DPoPVerifier
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.token import TokenVerifier

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
    with pytest.raises(WrongArguments) as raised:
        make(qqq=True)
    assert " has no argument qqq " in str(raised.value)
    assert str(raised.value).endswith(f": write {line}")


def test_all_that_ask_are_looked_at() -> None:
    assert {"ApiKeyVerifier", "DigestVerifier", "PasswordVerifier", "SessionVerifier", "TokenVerifier"} <= {
        kind.__name__ for kind in ASKING
    }
