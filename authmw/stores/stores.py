"""Collection of the stores of a program, for example users in PostgreSQL and tokens in Redis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from authmw.errors import ConfigurationError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of a program. A field is None if the program has no such store.

    >>> from authmw.stores import MemoryStores, MemoryThrottle
    >>> kept = MemoryStores()
    >>> Stores.of(kept).users is kept.users
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

    @classmethod
    def of(cls, *stores: object) -> Stores:
        """The stores of several objects, as `SQLStores` and `RedisStores`. If two have the same store, the later wins.

        Revocations are read from all objects that have them: see `JoinedRevocations`.

        Raises:
            ConfigurationError: an object has no store, or asynchronous stores stand beside blocking ones.
        """
        found: dict[str, Any] = {}  # the class that receives a store checks its methods
        revocations: list[RevocationStore] = []
        mistakes: list[str] = []
        for each in stores:
            has: dict[str, Any] = {field.name: getattr(each, field.name, None) for field in fields(cls)}
            has = {name: store for name, store in has.items() if store is not None}
            if not has or isinstance(each, type):
                mistakes.append(f"Stores.of takes stores, as SQLStores(...): {each!r} has none")
            found |= has
            if "revocations" in has:
                revocations.append(has["revocations"])
        if mistakes:
            raise ConfigurationError(*mistakes)
        if len(revocations) > 1:
            found["revocations"] = JoinedRevocations(*revocations)
        return cls(**found)
