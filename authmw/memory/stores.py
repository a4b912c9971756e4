"""All stores in memory, as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from authmw.enrolment import DIGEST_ALGORITHMS, Hasher
from authmw.memory.clients import MemoryClients
from authmw.memory.families import MemoryFamilies
from authmw.memory.keys import MemoryApiKeys
from authmw.memory.nonces import MemoryNonces
from authmw.memory.revocations import MemoryRevocations
from authmw.memory.subjects import Subjects
from authmw.memory.throttle import MemoryThrottle
from authmw.memory.tokens import MemoryTokens
from authmw.memory.users import MemoryUsers
from authmw.ports import DigestAlgorithm


class MemoryStores:
    """All that authmw keeps, in memory: ``PasswordVerifier(stores.users)``.

    Args:
        hasher: hashes new passwords.
        digest_algorithms: what an HA1 is kept for, of users with a ``digest_realm``.
        clock: seconds since the epoch.

    >>> stores = MemoryStores()
    >>> stores.users.create("alice").id
    'alice'
    """

    def __init__(
        self,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        subjects = Subjects()
        self.users: MemoryUsers = MemoryUsers(
            hasher=hasher, digest_algorithms=digest_algorithms, clock=clock, subjects=subjects
        )
        self.clients: MemoryClients = MemoryClients(subjects, clock=clock)
        self.keys: MemoryApiKeys = MemoryApiKeys(self.users, clock=clock)
        self.tokens: MemoryTokens = MemoryTokens(self.users, clock=clock)
        self.families: MemoryFamilies = MemoryFamilies(clock=clock)
        self.nonces: MemoryNonces = MemoryNonces(clock=clock)
        self.throttle: MemoryThrottle = MemoryThrottle()
        self.revocations: MemoryRevocations = MemoryRevocations(clock=clock)
        subjects.hold(families=self.families, tokens=self.tokens, revocations=self.revocations)
