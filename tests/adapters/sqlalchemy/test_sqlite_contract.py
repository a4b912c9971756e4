"""The stores in SQLite keep the contract, raced by threads and by processes."""

from __future__ import annotations

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
from tests.adapters.sqlalchemy.databases import drop_file

OPENED = "tests.adapters.sqlalchemy.databases:sqlite__"


class _InSQLite:
    def drop(self, namespace: str) -> None:
        drop_file(namespace)


class TestUsers(_InSQLite, UserStoreContract):
    factory = OPENED + "users"


class TestDirectory(_InSQLite, UserDirectoryContract):
    factory = OPENED + "users"


class TestPasswordUpgrader(_InSQLite, PasswordUpgraderContract):
    factory = OPENED + "users"


class TestDigests(_InSQLite, DigestStoreContract):
    factory = OPENED + "users"


class TestApiKeys(_InSQLite, ApiKeyStoreContract):
    factory = OPENED + "keys"


class TestTokens(_InSQLite, TokenStoreContract):
    factory = OPENED + "tokens"


class TestClients(_InSQLite, ClientStoreContract):
    factory = OPENED + "clients"


class TestFamilies(_InSQLite, FamilyStoreContract):
    factory = OPENED + "families"


class TestSessions(_InSQLite, SessionStoreContract):
    factory = OPENED + "sessions"


class TestPending(_InSQLite, PendingStoreContract):
    factory = OPENED + "pending"


class TestNonces(_InSQLite, NonceStoreContract):
    factory = OPENED + "nonces"


class TestThrottle(_InSQLite, ThrottleContract):
    factory = OPENED + "throttle"


class TestRevocations(_InSQLite, RevocationStoreContract):
    factory = OPENED + "revocations"


class TestAdministration(_InSQLite, AdministrationContract):
    factory = OPENED + "all"
