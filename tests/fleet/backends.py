"""Where a fleet of the tests keeps what it keeps: places of its own, removed in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import make_url

from authmw.crypto.keyring import KeyRing
from tests.adapters.redis.support import URL as REDIS
from tests.adapters.redis.support import drop
from tests.adapters.sqlalchemy.databases import drop_schema, make_schema, written
from tests.fleet.settings import API_CLIENT, AUDIENCE, PASSWORD, REALM, Settings
from tests.proxy import Proxy
from tests.support import require

BACKENDS: Final = ("sqlite", "postgresql", "redis")
"""Where tokens, families, nonces and revocations are. With Redis, users and clients are in a file of SQLite."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One place.

    Args:
        settings: how to get there.
        proxied: the same through `proxies`, where there are any.
        proxies: what lies between the fleet and its servers.
    """

    settings: Settings
    proxied: Settings
    proxies: tuple[Proxy, ...] = ()

    def advance(self, seconds: float) -> None:
        """Let the clock of the fleet go ahead."""
        assert self.settings.clock is not None
        path = Path(self.settings.clock)
        ahead = float(path.read_text()) + seconds
        # Replaced as a whole: other processes read it all the time.
        written = path.with_suffix(".new")
        written.write_text(str(ahead))
        written.replace(path)

    def add_user(self, name: str, *, digest: bool = False) -> str:
        """Add a user; the API key of theirs."""
        with closing(self.settings.open_database()) as stores:
            stores.users.create(name, PASSWORD, scopes=["orders:read"], digest_realm=REALM if digest else None)
            return stores.keys.create(name, ["orders:read"])[0]

    def add_users(self, count: int) -> list[str]:
        """Add many users at once, all with one hash; their names."""
        names = [f"user-{uuid4().hex[:12]}" for _ in range(count)]
        with closing(self.settings.open_database()) as stores:
            for name in names:
                stores.users.create(name, PASSWORD, scopes=["orders:read"])
        return names

    def add_client(self, name: str, jwks: Any) -> None:
        """Add a client that authenticates by signed assertions."""
        with closing(self.settings.open_database()) as stores:
            stores.clients.create(name, auth_method="private_key_jwt", jwks=jwks, scopes=["reports"])


@contextmanager
def backend(
    kind: str, *, jwt: bool = False, proxied: bool = False, complete: bool = False, **options: Any
) -> Generator[Backend]:
    """A place of one of the `BACKENDS`, or of a ``fleet``: users in PostgreSQL and the rest in Redis.

    Args:
        kind: which.
        jwt: access tokens are JWTs.
        proxied: let there be proxies before PostgreSQL and Redis.
        complete: take cookies, tokens bound to a key, and tokens that are introspected too.
        options: of the `Settings`.
    """
    namespace = f"fleet_{uuid4().hex[:12]}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authmw-fleet-")))
        clock = folder / "clock"
        clock.write_text("0")
        direct = Settings(database=f"sqlite:///{folder / 'fleet.db'}", prefix=namespace, clock=str(clock), **options)
        if jwt:
            KeyRing.generate().save(folder / "keys.json")
            direct = replace(direct, keys=str(folder / "keys.json"))
        through, proxies = direct, list[Proxy]()
        if kind in ("postgresql", "fleet"):
            require("postgresql")
            stack.callback(drop_schema, namespace)
            url = make_schema(namespace)
            direct = replace(direct, database=written(url))
            proxies.append(stack.enter_context(Proxy(url.host or "", url.port or 5432)))
            through = replace(through, database=written(url.set(port=proxies[-1].port)))
        if kind in ("redis", "fleet"):
            require("redis")
            stack.callback(drop, namespace)
            url = make_url(REDIS)
            direct = replace(direct, redis=REDIS)
            proxies.append(stack.enter_context(Proxy(url.host or "127.0.0.1", url.port or 6379)))
            through = replace(through, redis=url.set(port=proxies[-1].port).render_as_string(hide_password=False))
        if complete:
            KeyRing.generate().save(folder / "bound.json")
            with closing(direct.open_database()) as stores:
                secret, _ = stores.clients.create(API_CLIENT, scopes=["orders:read"], audiences=[AUDIENCE])
            more: dict[str, Any] = {
                "cookies": True, "bound_keys": str(folder / "bound.json"), "api_secret": secret
            }  # fmt: skip
            direct, through = replace(direct, **more), replace(through, **more)
        yield Backend(direct, through if proxied else direct, tuple(proxies))
