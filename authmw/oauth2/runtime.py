"""Runtime of a token service: its clock, randomness, password hashing and time limits in one process."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from authmw.crypto.opaque_tokens import Entropy
from authmw.crypto.passwords import PasswordHasher
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, in_seconds
from authmw.flow.flow import STORE_TIMEOUT
from authmw.flow.pool import WorkPool, default_pool


@explains_arguments("Runtime(store_timeout=2.0)")
@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a token service runs with: ``TokenService(..., runtime=Runtime(revocation_bound=5.0))``.

    Args:
        revocation_bound: seconds within which every process refuses what was revoked.
        outage_bound: seconds for which open connections stay open while the store of revocations cannot be read.
        store_timeout: seconds that a store may take to answer under ASGI; after that the response is a 503.
        hasher: verifies passwords; argon2id by default.
        pool: the threads that passwords are hashed in, and how many at once.
        clock: seconds since the epoch.
        entropy: the source of random bytes.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> Runtime(revocation_bound=5.0).store_timeout
    2.0
    """

    revocation_bound: float = 1.0
    outage_bound: float = 30.0
    store_timeout: float = STORE_TIMEOUT
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    pool: WorkPool = default_pool
    clock: Callable[[], float] = now
    entropy: Entropy = os.urandom

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            revocation_bound: Seconds = 1.0,
            outage_bound: Seconds = 30.0,
            store_timeout: Seconds = STORE_TIMEOUT,
            hasher: PasswordHasher = ...,
            pool: WorkPool = default_pool,
            clock: Callable[[], float] = now,
            entropy: Entropy = os.urandom,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("revocation_bound", "outage_bound", "store_timeout"):
            object.__setattr__(self, name, in_seconds(getattr(self, name)))
        mistakes = [
            *_not_seconds("revocation_bound", self.revocation_bound),
            *_not_seconds("outage_bound", self.outage_bound),
            *_not_seconds("store_timeout", self.store_timeout),
            *_not_a("hasher", self.hasher, PasswordHasher),
            *_not_a("pool", self.pool, WorkPool),
            *_not_callable("clock", self.clock, "time.time"),
            *_not_callable("entropy", self.entropy, "os.urandom"),
        ]
        if mistakes:
            raise ConfigurationError(*mistakes)


def _not_seconds(name: str, value: object) -> list[str]:
    if type(value) in (int, float) and 0 < cast("float", value) < math.inf:
        return []
    return [f"Runtime({name}={value!r}) has to be a number of seconds above 0, as 1.0"]


def _not_a(name: str, value: object, kind: type[object]) -> list[str]:
    if isinstance(value, kind):
        return []
    return [f"Runtime({name}=...) takes a {kind.__name__}, not {value!r}: leave it out, or pass {kind.__name__}(...)"]


def _not_callable(name: str, value: object, example: str) -> list[str]:
    return [] if callable(value) else [f"Runtime({name}={value!r}) has to be a function, as {example}"]
