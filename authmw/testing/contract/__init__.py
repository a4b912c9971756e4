"""Contracts of the store ports: what every store promises, as tests to run against a store of your own.

A contract is a class of tests for pytest. Derive from it, and say how the store is opened::

    # tests/test_my_families.py
    from authmw.testing.contract import FamilyStoreContract

    class TestMyFamilies(FamilyStoreContract):
        factory = "tests.my_stores:open_families"

        def drop(self, namespace):
            ...  # remove the data of the test

    # tests/my_stores.py
    @contextmanager
    def open_families(namespace):
        with closing(MyDatabase(schema=namespace)) as database:
            yield database.families

- ``factory`` names a function, as ``"module:function"``. It is called with a namespace, a short word of letters,
  digits and underscores that is different for each test. It returns a store that keeps its data under the namespace:
  as a schema, a prefix of keys, a file. It may return the store itself, whose ``close()`` or ``aclose()`` is called in
  the end if it has one, or a context manager that opens and closes it, also an asynchronous one. It is called again in
  each process of a race, so it must not delete existing data.
- ``open_store(self)`` may be overridden instead, to open the store in the test's own process. By default it is
  ``factory(self.namespace)``.
- ``drop(self, namespace)`` removes the data of a test. By default it does nothing.
- ``processes = False`` says that only one process can use the store. Races between processes are not collected then.

`AdministrationContract` is for an object that has all stores, such as `MemoryStores`; each other contract is
for one store. `ThrottleContract` has to know how many attempts are free: open the throttle with ``self.free`` of them,
5 unless that is set. If the store has no ``create`` to make users with, override ``add_user``.

Methods may be ``def`` or ``async def``: awaitables are awaited, on one event loop for each test. Races are run
by 8 threads, by 8 tasks of that loop if the store is asynchronous, and by 4 processes, each of which opens the store
for itself. Stores have to use the real time.
"""

from typing import TYPE_CHECKING

import pytest

_MODULES = (
    "administration",
    "clients",
    "directory",
    "families",
    "keys",
    "nonces",
    "pending",
    "revocations",
    "sessions",
    "throttles",
    "tokens",
    "users",
)
for _module in _MODULES:
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from authmw.errors import face  # noqa: E402
from authmw.testing.contract.administration import AdministrationContract  # noqa: E402
from authmw.testing.contract.base import StoreContract  # noqa: E402
from authmw.testing.contract.clients import ClientStoreContract  # noqa: E402
from authmw.testing.contract.directory import UserDirectoryContract  # noqa: E402
from authmw.testing.contract.families import FamilyStoreContract  # noqa: E402
from authmw.testing.contract.keys import ApiKeyStoreContract  # noqa: E402
from authmw.testing.contract.nonces import NonceStoreContract  # noqa: E402
from authmw.testing.contract.pending import PendingStoreContract  # noqa: E402
from authmw.testing.contract.revocations import RevocationStoreContract  # noqa: E402
from authmw.testing.contract.sessions import SessionStoreContract  # noqa: E402
from authmw.testing.contract.throttles import ThrottleContract  # noqa: E402
from authmw.testing.contract.tokens import TokenStoreContract  # noqa: E402
from authmw.testing.contract.users import DigestStoreContract, PasswordUpgraderContract, UserStoreContract  # noqa: E402

__all__ = [
    "AdministrationContract",
    "ApiKeyStoreContract",
    "ClientStoreContract",
    "DigestStoreContract",
    "FamilyStoreContract",
    "NonceStoreContract",
    "PasswordUpgraderContract",
    "PendingStoreContract",
    "RevocationStoreContract",
    "SessionStoreContract",
    "StoreContract",
    "ThrottleContract",
    "TokenStoreContract",
    "UserDirectoryContract",
    "UserStoreContract",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
