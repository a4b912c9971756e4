"""The stores in memory keep the contract."""

from __future__ import annotations

from authmw.memory import MemoryFamilies, MemoryNonces
from authmw.testing.contract import FamilyStoreContract, NonceStoreContract


class TestMemoryFamilies(FamilyStoreContract):
    processes = False

    def open_store(self) -> MemoryFamilies:
        return MemoryFamilies()


class TestMemoryNonces(NonceStoreContract):
    processes = False

    def open_store(self) -> MemoryNonces:
        return MemoryNonces()
