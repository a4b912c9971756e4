"""Collection of the stores of a program, for example users in PostgreSQL and tokens in Redis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.stores.joined_revocations import JoinedRevocations
from authmw.stores.ports import (
    ApiKeyStore,
    ClientStore,
    FamilyStore,
    NonceStore,
    RevocationStore,
    Throttle,
    TokenKeeper,
    UserStore,
)
from authmw.stores.session_ports import PendingStore, SessionStore


@explains_arguments("Stores(users=..., tokens=...)")
@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of a program. A field is None if the program has no such store.

    >>> from authmw.stores import MemoryStores, MemoryUsers
    >>> kept = MemoryStores()
    >>> Stores.of(kept).users is kept.users
    True
    >>> mine = MemoryUsers()
    >>> Stores.of(kept, mine).users is mine
    True
    """

    users: UserStore | None = None
    keys: ApiKeyStore | None = None
    clients: ClientStore | None = None
    tokens: TokenKeeper | None = None
    families: FamilyStore | None = None
    nonces: NonceStore | None = None
    throttle: Throttle | None = None
    revocations: RevocationStore | None = None
    sessions: SessionStore | None = None
    pending: PendingStore | None = None

    @classmethod
    def of(cls, *stores: object) -> Stores:
        """The stores of several objects, as `SQLStores` and `RedisStores`. If two have the same store, the later wins.

        A store itself is taken too, as a class of your own with ``find`` for the users.

        Revocations are read from all objects that have them: see `JoinedRevocations`.

        Raises:
            ConfigurationError: an object has no store, or asynchronous stores stand beside blocking ones.
        """
        found: dict[str, Any] = {}  # the class that receives a store checks its methods
        revocations: list[RevocationStore] = []
        mistakes: list[str] = []
        for each in stores:
            if isinstance(each, type):
                mistakes.append(f"Stores.of takes stores, not their class: write {each.__name__}(...)")
                continue
            part = as_stores(each)
            has: dict[str, Any] = {field.name: getattr(part, field.name, None) for field in fields(cls)}
            has = {name: store for name, store in has.items() if store is not None}
            if not has:
                mistakes.append(
                    f"Stores.of takes stores, and {type(each).__name__} is none: write "
                    f'Stores.of(SQLStores("sqlite:///app.db"), ...), or a class with {_METHODS}'
                )
            found |= has
            if "revocations" in has:
                revocations.append(has["revocations"])
        if mistakes:
            raise ConfigurationError(*mistakes)
        if len(revocations) > 1:
            found["revocations"] = JoinedRevocations(*revocations)
        return cls(**found)


_KNOWN_BY: Final = {
    "users": "find",
    "keys": "find_key",
    "clients": "find_client",
    "tokens": "find_token",
    "families": "find_family",
    "nonces": "use_nonce",
    "throttle": "reserve",
    "revocations": "revocations_after",
    "sessions": "find_session",
    "pending": "take_pending",
}
"""Field of `Stores` → the method by which a store is known. The class that receives the store checks the others."""

_METHODS: Final = " or ".join(f"{method}()" for method in _KNOWN_BY.values())


def as_stores(given: object) -> object:
    """`given`, or the `Stores` of it if it is no collection of stores but a store itself.

    >>> from authmw.stores import MemoryThrottle
    >>> throttle = MemoryThrottle()
    >>> as_stores(throttle).throttle is throttle
    True
    """
    is_collection = any(getattr(given, name, None) is not None for name in _KNOWN_BY)
    if is_collection or isinstance(given, type | str | bytes | bytearray):  # text has a method ``find``
        return given
    found: dict[str, Any] = {
        name: given for name, method in _KNOWN_BY.items() if callable(getattr(given, method, None))
    }
    return Stores(**found) if found else given
