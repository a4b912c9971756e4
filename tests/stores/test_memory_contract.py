"""The stores in memory keep the contract."""

from __future__ import annotations

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.stores import (
    MemoryApiKeys,
    MemoryClients,
    MemoryFamilies,
    MemoryNonces,
    MemoryPending,
    MemoryRevocations,
    MemorySessions,
    MemoryStores,
    MemoryThrottle,
    MemoryTokens,
    MemoryUsers,
)
from authmw.testing.contract import (
    AdministrationContract,
    ApiKeyStoreContract,
    ClientStoreContract,
    DigestStoreContract,
    FamilyStoreContract,
    NonceStoreContract,
    PasswordUpgraderContract,
    PendingStoreContract,
    RevocationStoreContract,
    SessionStoreContract,
    ThrottleContract,
    TokenStoreContract,
    UserDirectoryContract,
    UserStoreContract,
)


class _InMemory:
    processes = False


class _InMemoryUsers(_InMemory):
    def open_store(self) -> MemoryUsers:
        return MemoryUsers(hasher=PasswordHasher(CHEAPEST))


class TestUsers(_InMemoryUsers, UserStoreContract):
    pass


class TestDirectory(_InMemoryUsers, UserDirectoryContract):
    pass


class TestPasswordUpgrader(_InMemoryUsers, PasswordUpgraderContract):
    pass


class TestDigests(_InMemoryUsers, DigestStoreContract):
    pass


class TestApiKeys(_InMemory, ApiKeyStoreContract):
    def open_store(self) -> MemoryApiKeys:
        return MemoryApiKeys()


class TestClients(_InMemory, ClientStoreContract):
    def open_store(self) -> MemoryClients:
        return MemoryClients()


class TestTokens(_InMemory, TokenStoreContract):
    def open_store(self) -> MemoryTokens:
        return MemoryTokens()


class TestFamilies(_InMemory, FamilyStoreContract):
    def open_store(self) -> MemoryFamilies:
        return MemoryFamilies()


class TestSessions(_InMemory, SessionStoreContract):
    def open_store(self) -> MemorySessions:
        return MemorySessions()


class TestPending(_InMemory, PendingStoreContract):
    def open_store(self) -> MemoryPending:
        return MemoryPending()


class TestNonces(_InMemory, NonceStoreContract):
    def open_store(self) -> MemoryNonces:
        return MemoryNonces()


class TestThrottle(_InMemory, ThrottleContract):
    def open_store(self) -> MemoryThrottle:
        return MemoryThrottle(free=self.free)


class TestRevocations(_InMemory, RevocationStoreContract):
    def open_store(self) -> MemoryRevocations:
        return MemoryRevocations()


class TestAdministration(_InMemory, AdministrationContract):
    def open_store(self) -> MemoryStores:
        return MemoryStores(hasher=PasswordHasher(CHEAPEST))
