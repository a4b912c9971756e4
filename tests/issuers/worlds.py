"""An API, its issuer and a clock, for the tests of issuers: what somebody with a token sees, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import trio

from authmw import Auth, HTTPBearer, Requirement
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.testing import FakeClock, FakeIssuer
from tests.requests import asgi_request, recalled, wsgi_request

NOW: Final = 1_800_000_000.0
API: Final = "orders"
SIGNED_IN: Final = Requirement()


@dataclass(frozen=True)
class Seen:
    """What a client sees, and the code that is logged."""

    status: int
    code: str = ""
    retry_after: int | None = None


OK: Final = Seen(200)
UNKNOWN_KEY: Final = Seen(401, "authmw.token-key")


class World:
    """One API behind `Auth`, and the issuer that it trusts. Nothing here waits or opens a socket."""

    def __init__(
        self, *, remember: int = 0, fake: FakeIssuer | None = None, clock: FakeClock | None = None, **options: Any
    ) -> None:
        self.clock = clock or FakeClock(NOW)
        self.fake = fake or FakeIssuer(clock=self.clock)
        options = {"clock": self.clock, "timer": self.clock, "chance": lambda: 0.0, **options}
        self.issuer = self.fake.verifier(audience=API, **options)
        self.auth = Auth(HTTPBearer(self.issuer), remember=remember, clock=self.clock)

    def token(self, **options: Any) -> str:
        """A token that holds for a week, unless `options` say otherwise."""
        options = {"audience": API, "lifetime": 7 * 86400, **options}
        return self.fake.token(**options)

    def ask(self, token: str, driver: str = "sync") -> Seen:
        """What who sends `token` sees."""
        return _seen(self.auth, DRIVERS[driver](self.auth, token))

    @property
    def fetches(self) -> int:
        """How often the keys were asked for."""
        return self.fake.requests.count(self.fake.metadata["jwks_uri"])

    def settle(self) -> None:
        """Wait for what goes on in the background."""
        for thread in threading.enumerate():
            if thread.name == "authmw-keys":
                thread.join(10)


def _seen(auth: Auth, result: Authentication | Refusal) -> Seen:
    if isinstance(result, Authentication):
        header = recalled(auth, b"")
        assert header is None
        return OK if result.principal.is_authenticated else Seen(401, "authmw.scheme-unsupported")
    return Seen(result.status, result.reason.code, result.retry_after)


def _sync(auth: Auth, token: str) -> Authentication | Refusal:
    header = f"Bearer {token}"
    return recalled(auth, header.encode()) or auth.authenticate(wsgi_request(authorization=header))


async def ask_async(auth: Auth, token: str) -> Authentication | Refusal:
    """As an ASGI middleware asks."""
    header = f"Bearer {token}"
    return recalled(auth, header.encode()) or await auth.authenticate_async(asgi_request(authorization=header))


def _trio(auth: Auth, token: str) -> Authentication | Refusal:
    async def main() -> Authentication | Refusal:
        return await ask_async(auth, token)

    return trio.run(main)


DRIVERS: Final[Mapping[str, Callable[[Auth, str], Authentication | Refusal]]] = {
    "sync": _sync,
    "asyncio": lambda auth, token: asyncio.run(ask_async(auth, token)),
    "trio": _trio,
}
