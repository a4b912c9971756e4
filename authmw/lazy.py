"""Names that a package exports, imported from their modules when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` (PEP 562) of `package`.

    Args:
        package: its ``__name__``.
        homes: by module, the names that are exported from it, separated by spaces.

    >>> find, _ = lazily("authmw", {"reasons": "Reason"})
    >>> find("Reason")
    <enum 'Reason'>
    """
    home_of = {name: f"{package}.{home}" for home, names in homes.items() for name in names.split()}

    def find(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(home_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def every() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return find, every
