"""How the processes of one fleet are set up: what each of them is told by its environment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from authmw_redis import AsyncRedisStores, RedisStores
from authmw_sqlalchemy import AsyncSQLStores, SQLStores, SQLThrottle

from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.stores import Stores

ISSUER: Final = "https://id.example/auth"
AUDIENCE: Final = "orders"
REALM: Final = "orders"
ORIGIN: Final = "https://shop.example"
"""Where the pages are that keep their tokens in cookies."""
BOUND_ISSUER: Final = "https://bound.example"
"""The issuer of tokens that are bound to a key."""
API_CLIENT: Final = "orders-api"
"""The client as which the API introspects tokens."""
HASHER: Final = PasswordHasher(CHEAPEST)
PASSWORD: Final = "correct horse"
_VARIABLE: Final = "FLEET"
_FREE: Final = 1_000_000
"""Attempts without a wait: whoever loses a race has made one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One fleet.

    Args:
        database: the URL of the SQL stores.
        redis: the URL of a Redis that keeps tokens, families, nonces, throttles and revocations; None for the database.
        prefix: of the keys in Redis.
        keys: the file of a key ring, for access tokens that are JWTs; None for opaque ones.
        clock: a file with the seconds that all processes are ahead of the machine's clock.
        grace: see `TokenService`.
        bound: see `TokenService`.
        cookies: serve the pages that keep their tokens in cookies.
        bound_keys: the file of a key ring, for tokens of another issuer that are bound to a key (DPoP).
        api_secret: the secret of `API_CLIENT`, for an API that introspects tokens too.
        introspection: where it does. The port is that of the server.
    """

    database: str
    redis: str | None = None
    prefix: str = "fleet"
    keys: str | None = None
    clock: str | None = None
    grace: int = 30
    bound: float = 1.0
    cookies: bool = False
    bound_keys: str | None = None
    api_secret: str | None = None
    introspection: str = "http://127.0.0.1:{port}/auth/introspect"

    @classmethod
    def from_environment(cls) -> Settings:
        """What this process was told."""
        return cls(**json.loads(os.environ[_VARIABLE]))

    def environment(self) -> dict[str, str]:
        """What to tell a process."""
        return {_VARIABLE: json.dumps(asdict(self))}

    @property
    def now(self) -> Callable[[], float]:
        """The clock of the fleet."""
        return time.time if self.clock is None else _Ahead(Path(self.clock))

    def open(self) -> Stores:
        """All stores, called, for as long as the process lives."""
        return self._patient(*self._parts())

    @contextmanager
    def opened(self) -> Generator[Stores]:
        """The same until the block ends."""
        parts = self._parts()
        try:
            yield self._patient(*parts)
        finally:
            for each in parts:
                each.close()

    def open_async(self) -> Stores:
        """All stores, awaited where they can be."""
        # SQLite needs no awaiting.
        awaited = not self.database.startswith("sqlite")
        kept = AsyncSQLStores(self.database, hasher=HASHER, clock=self.now) if awaited else self.open_database()
        if self.redis is None:
            return self._patient(kept)
        return self._patient(kept, AsyncRedisStores(self.redis, prefix=self.prefix, clock=self.now, free=_FREE))

    def open_database(self) -> SQLStores:
        """The stores of the database, which manage users too."""
        return SQLStores(self.database, hasher=HASHER, clock=self.now)

    def open_redis(self) -> RedisStores:
        """The stores in Redis."""
        assert self.redis is not None
        return RedisStores(self.redis, prefix=self.prefix, clock=self.now, free=_FREE)

    def _parts(self) -> tuple[SQLStores, *tuple[RedisStores, ...]]:
        return self.open_database(), *([] if self.redis is None else [self.open_redis()])

    @staticmethod
    def _patient(kept: SQLStores | AsyncSQLStores, *others: RedisStores | AsyncRedisStores) -> Stores:
        return Stores.of(kept, Stores(throttle=SQLThrottle(kept.database, free=_FREE)), *others)

    def service(self, stores: Stores) -> TokenService:
        """The token service on `stores`."""
        return TokenService(
            issuer=ISSUER,
            audience=AUDIENCE,
            stores=stores,
            keys=None if self.keys is None else KeyRing.load(self.keys),
            password=True,
            cookies=CookieMode([ORIGIN]) if self.cookies else None,
            lifetimes=Lifetimes(grace=self.grace),
            runtime=Runtime(hasher=HASHER, clock=self.now, revocation_bound=self.bound),
        )


class _Ahead:
    """The machine's clock, and the seconds that are written in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> float:
        return time.time() + float(self._path.read_text() or 0)
