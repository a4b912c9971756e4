"""Collection of all stores in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import explains_arguments
from authmw.flow.clocks import now
from authmw.stores.memory.clients import MemoryClients
from authmw.stores.memory.families import MemoryFamilies
from authmw.stores.memory.keys import MemoryApiKeys
from authmw.stores.memory.nonces import MemoryNonces
from authmw.stores.memory.pending import MemoryPending
from authmw.stores.memory.revocations import MemoryRevocations
from authmw.stores.memory.sessions import MemorySessions
from authmw.stores.memory.subjects import Held, Subjects
from authmw.stores.memory.throttle import MemoryThrottle
from authmw.stores.memory.tokens import MemoryTokens
from authmw.stores.memory.users import MemoryUsers
from authmw.stores.new_records import DIGEST_ALGORITHMS, Hasher


@explains_arguments("MemoryStores()")
class MemoryStores:
    """One in-memory store of each kind: ``PasswordVerifier(stores.users)``.

    Args:
        hasher: hashes new passwords.
        digest_algorithms: an HA1 is kept for each of these, for users with a ``digest_realm``.
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
        clock: Callable[[], float] = now,
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
        self.sessions: MemorySessions = MemorySessions(clock=clock)
        self.pending: MemoryPending = MemoryPending(clock=clock)
        subjects.hold(
            Held(
                families=self.families,
                tokens=self.tokens,
                keys=self.keys,
                revocations=self.revocations,
                throttle=self.throttle,
                sessions=self.sessions,
                pending=self.pending,
            )
        )
