"""Stores in memory in place of those of a program, while a test runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from authmw.crypto.keyring import KeyRing
from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.stores.memory.stores import MemoryStores
from authmw.stores.stores import Stores
from authmw.testing.in_test import check_in_test

if TYPE_CHECKING:
    import pytest

_ROLES = tuple(field.name for field in fields(Stores))


class MemoryStoresFor:
    """The fixture ``memory_stores``: ``memory_stores()`` is a new `MemoryStores`.

    ``memory_stores(stores)`` also stands in for `stores` until the end of the test. The objects of the program stay
    where they are, and their methods ask memory. An ``async def`` is still one.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, *programs: object) -> MemoryStores:
        """New stores.

        Args:
            programs: what has the stores of the program: `SQLStores`, `RedisStores`, `Stores` or a `TokenService`.

        Raises:
            ConfigurationError: one of them has no store, or a store does not let its methods be replaced.
        """
        check_in_test()
        kept = MemoryStores()
        for each in programs:
            found = {role: getattr(each, role, None) for role in _ROLES}
            # The `keys` of a token service are those that it signs with.
            stores = {role: store for role, store in found.items() if not isinstance(store, KeyRing | None)}
            if not stores or isinstance(each, type):
                raise ConfigurationError(
                    f"memory_stores takes what has stores, as SQLStores(...) or Stores(users=...): {each!r} has none"
                )
            for role, store in stores.items():
                self._stand_in(store, getattr(kept, role))
        return kept

    def _stand_in(self, store: object, memory: object) -> None:
        kind = type(memory)
        methods = [name for name in dir(kind) if name[0] != "_" and callable(getattr(kind, name))]
        twins: dict[int, object] = {id(each): each for each in (store, getattr(store, "sync", store))}
        for real in twins.values():
            if not hasattr(real, "__dict__"):
                raise ConfigurationError(f"{real!r} has __slots__: give the program memory_stores() itself instead")
            # All are looked up before the first is replaced: the mode of one may depend on the object.
            attributes: dict[str, Any] = vars(real)
            asked = {name: CallMode.of(getattr(real, name)) for name in methods if hasattr(real, name)}
            for name, mode in asked.items():
                method = getattr(memory, name)
                self._patch.setitem(attributes, name, _awaited(method) if mode is CallMode.ASYNC else method)


def _awaited(method: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return answer
