"""Checks of the arguments of a token service: each mistake as a sentence with its fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final, cast

from authmw.crypto.keyring import MAKE_RING, KeyRing, mistakes_in_ring
from authmw.errors import ConfigurationError
from authmw.http.location import mistake_in_url
from authmw.identity.scopes import scope_mistakes
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.runtime import Runtime
from authmw.stores.new_records import is_client_id
from authmw.stores.ports import require_methods
from authmw.stores.stores import Stores, as_stores
from authmw.verifiers.accounts import THROTTLE_VERBS

_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "users": ("find",),
    "clients": ("find_client",),
    "tokens": (
        *("find_token", "add_token"),
        *("revoke_token", "revoke_family_tokens", "revoke_subject_tokens", "revoke_client_tokens"),
    ),
    "families": (
        *("add_family", "find_family", "rotate", "families_of"),
        *("end_family", "end_families", "end_client_families"),
    ),
    "nonces": ("use_nonce",),
    "throttle": THROTTLE_VERBS,
    "revocations": ("publish", "revocations_after", "find_revocations"),
}
_OPTIONAL_ROLES: Final[Mapping[str, tuple[str, ...]]] = {"sessions": ("end_sessions",)}
_ALL_ROLES: Final[Mapping[str, tuple[str, ...]]] = {**_ROLES, **_OPTIONAL_ROLES}
METHODS: Final = tuple(verb for verbs in _ALL_ROLES.values() for verb in verbs)
"""The methods of stores that a token service calls."""


def in_issuer(issuer: object) -> list[str]:
    """RFC 8414 §2: https, no query, no fragment; http where only this machine can listen."""
    wrong = mistake_in_url(issuer, query=False)
    if not wrong:
        return []
    secure = f"https://{issuer.removeprefix('http://')}" if isinstance(issuer, str) else ""
    line = "https://id.example" if mistake_in_url(secure, query=False) else secure
    return [
        f"issuer={issuer!r}: {wrong}; give a URL without query or fragment, as issuer={line!r}, "
        "or 'http://127.0.0.1:8000' while developing"
    ]


def in_stores(stores: object) -> list[str]:
    """Every role that is not optional has a store, and each store has all the methods of its role."""
    if isinstance(stores, type):
        return [f"stores= takes stores, not their class: pass {stores.__name__}(...)"]
    stores, own = as_stores(stores), stores
    missing = [role for role in _ROLES if getattr(stores, role, None) is None]
    mistakes: list[str] = []
    if missing:
        line = _call_with(own, has_some=len(missing) < len(_ROLES))
        mistakes.append(f"stores= has no {', no '.join(missing)}: write {line}")
    for role, verbs in _ALL_ROLES.items():
        store = getattr(stores, role, None)
        if store is None:
            continue
        try:
            require_methods(f"TokenService(stores=...).{role}", store, *verbs)
        except ConfigurationError as error:
            mistakes += error.mistakes
    return mistakes


def _call_with(stores: object, *, has_some: bool) -> str:
    """The argument with all stores, in which `stores` stay as the reader wrote them, as far as that can be told."""
    if not has_some:
        return 'stores=SQLStores("sqlite:///app.db")'
    given = "..."
    if isinstance(stores, Stores):
        names = (field.name for field in fields(stores) if getattr(stores, field.name) is not None)
        given = ", ".join(f"{name}=..." for name in names)
    # The later store takes the place of the earlier one.
    return f'stores=Stores.of(SQLStores("sqlite:///app.db"), {type(stores).__name__}({given}))'


def in_audience(audience: object) -> list[str]:
    """At least one name."""
    names = [audience] if isinstance(audience, str) else audience
    if isinstance(names, Iterable):
        each = list(cast("Iterable[object]", names))
        if each and all(isinstance(name, str) and name for name in each):
            return []
    return ["audience is empty: give the name of the API the tokens are for, audience='orders'"]


def in_keys(keys: object) -> list[str]:
    """Key pairs: an API that verifies tokens must not be able to sign them (RFC 9068 §2.1, §4)."""
    if keys is None:
        return []
    mistakes = mistakes_in_ring(keys, "TokenService", pairs=True)
    if not isinstance(keys, KeyRing):
        return mistakes
    if keys.signer.symmetric:
        return [f"keys are secrets, which /jwks.json cannot publish: use key pairs, as of {MAKE_RING}"]
    if not keys.signer.can_sign:
        return [f"the first key, {keys.signer.kid!r}, is public and cannot sign: load its private half"]
    return []


def in_names(*, first_party: object, realm: object, scopes: object) -> list[str]:
    """``client_id`` of the first-party application, realm and scopes: each in the characters of its grammar."""
    mistakes: list[str] = []
    if not isinstance(first_party, str) or not is_client_id(first_party):
        mistakes.append(f"first_party={first_party!r} is no client id: use 1 to 255 printable ASCII characters")
    if not isinstance(realm, str) or not realm or not realm.isascii() or not realm.isprintable():
        mistakes.append(f"realm={realm!r} has to be printable ASCII and not empty: it stands in a header")
    return mistakes + scope_mistakes(scopes)


def in_features(*, cookies: object, lifetimes: object, runtime: object) -> list[str]:
    """Each is left out, or an object of its class, which checked its own arguments."""
    mistakes: list[str] = []
    for name, value, kind, example in (
        ("cookies", cookies, CookieMode, "CookieMode(['https://shop.example'])"),
        ("lifetimes", lifetimes, Lifetimes, "Lifetimes(access=600)"),
        ("runtime", runtime, Runtime, "Runtime(store_timeout=2.0)"),
    ):
        if value is not None and not isinstance(value, kind):
            mistakes.append(f"{name}={value!r} has to be a {kind.__name__}: {example}")
    return mistakes
