"""The stores in PostgreSQL keep the contract, raced by threads and by processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
from tests.adapters.sqlalchemy.databases import drop_spare_schemas, empty_schema
from tests.support import require

pytestmark = pytest.mark.servers

OPENED = "tests.adapters.sqlalchemy.databases:postgres__"


@pytest.fixture(autouse=True, scope="module")
def _postgres() -> Iterator[None]:
    require("postgresql")
    yield
    drop_spare_schemas()


class _InPostgreSQL:
    def drop(self, namespace: str) -> None:
        empty_schema(namespace)


class TestUsers(_InPostgreSQL, UserStoreContract):
    factory = OPENED + "users"


class TestDirectory(_InPostgreSQL, UserDirectoryContract):
    factory = OPENED + "users"


class TestPasswordUpgrader(_InPostgreSQL, PasswordUpgraderContract):
    factory = OPENED + "users"


class TestDigests(_InPostgreSQL, DigestStoreContract):
    factory = OPENED + "users"


class TestApiKeys(_InPostgreSQL, ApiKeyStoreContract):
    factory = OPENED + "keys"


class TestTokens(_InPostgreSQL, TokenStoreContract):
    factory = OPENED + "tokens"


class TestClients(_InPostgreSQL, ClientStoreContract):
    factory = OPENED + "clients"


class TestFamilies(_InPostgreSQL, FamilyStoreContract):
    factory = OPENED + "families"


class TestSessions(_InPostgreSQL, SessionStoreContract):
    factory = OPENED + "sessions"


class TestPending(_InPostgreSQL, PendingStoreContract):
    factory = OPENED + "pending"


class TestNonces(_InPostgreSQL, NonceStoreContract):
    factory = OPENED + "nonces"


class TestThrottle(_InPostgreSQL, ThrottleContract):
    factory = OPENED + "throttle"


class TestRevocations(_InPostgreSQL, RevocationStoreContract):
    factory = OPENED + "revocations"


class TestAdministration(_InPostgreSQL, AdministrationContract):
    factory = OPENED + "all"
