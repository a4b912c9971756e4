"""Exceptions of authmw, and the lookup of public names that another package exports.

::

    AuthmwError
    ├── ConfigurationError     a mistake in the set-up; raised at construction, with the fix in the message
    ├── FlowError              a mistake in the code of a flow or a store; the request fails closed
    ├── Unavailable            a store or another service cannot answer now; becomes a 503
    │   ├── StoreUnavailable   a store raised or timed out
    │   └── Overloaded         all slots for password hashing are in use and the queue is full
    └── AccessRefused          a requirement was not met inside the application; becomes a 401 or 403
                               (in `authmw.http.refusal`, because it contains the refusal)

A bad credential raises none of these. The result of verifying a request is a value (`authmw.identity.verdict`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class AuthmwError(Exception):
    """The base class of all exceptions of authmw."""


class ConfigurationError(AuthmwError, ValueError):
    """A mistake in the set-up. The message names every mistake with its fix, one per line.

    Args:
        mistakes: one sentence for each mistake.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class FlowError(AuthmwError, RuntimeError):
    """A mistake in the code of a flow or a store, such as a missing ``yield from`` or a coroutine under WSGI."""


class Unavailable(AuthmwError):
    """A store or another service cannot answer now. The middleware responds with 503 and ``Retry-After``."""

    retry_after: int = 5
    """Seconds after which the client may try again."""


class StoreUnavailable(Unavailable):
    """A store raised an exception, which is the ``__cause__``, or did not answer in time."""


class Overloaded(Unavailable):
    """All slots for password hashing are in use, and the queue is full."""

    retry_after = 1


FACES: Final = (
    "authmw",
    "authmw.flow",
    "authmw.stores",
    "authmw.issuers",
    "authmw.openapi",
    "authmw.wsgi",
    "authmw.asgi",
    "authmw.oauth2",
    "authmw.testing",
    "authmw.testing.contract",
    "authmw_flask",
    "authmw_starlette",
    "authmw_fastapi",
    "authmw_fastapi.security",
    "authmw_django",
    "authmw_sqlalchemy",
    "authmw_redis",
)
"""The packages whose ``__init__`` exports public names."""

_places: Final[dict[str, list[str]]] = {}
"""Name → the packages that export it. Filled when a package is first asked for a name that it does not have."""


def face(
    package: str, homes: Mapping[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` (PEP 562) of a package with public names.

    A name of `homes` is imported when it is first used. A name that another package exports raises an `ImportError`,
    whose message says where it is: ``from authmw import FlaskAuth`` would drop the message of an `AttributeError`. Any
    other name raises an `AttributeError`, so that `hasattr` returns False.

    Args:
        package: the ``__name__`` of the package.
        homes: module inside `authmw` → the names that are imported from it when they are first used, separated by
            spaces.
    """
    home_of = {name: f"authmw.{home}" for home, names in (homes or {}).items() for name in names.split()}

    def get(name: str) -> object:
        module = sys.modules[package]
        if name in home_of:
            value = vars(module)[name] = getattr(import_module(home_of[name]), name)
            return value
        # After an AttributeError, and only then, ``from package import name`` looks for a module of that name.
        is_module = PathFinder.find_spec(f"{package}.{name}", module.__path__) is not None
        places = [] if name.startswith("_") or is_module else _places_of(name)
        if places and package not in places:
            raise ImportError(f"{name} is in {', '.join(places)}", name=package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted({*vars(sys.modules[package]), *home_of})


def _places_of(name: str) -> list[str]:
    """The packages that export `name`. If `authmw` is one of them, only `authmw`."""
    if not _places:
        found: dict[str, list[str]] = {}
        for package in FACES:
            for exported in _exports_of(package):
                found.setdefault(exported, []).append(package)
        _places.update(found)
    places = _places.get(name, [])
    return places[:1] if "authmw" in places else places


def _exports_of(package: str) -> list[str]:
    """The ``__all__`` of a package, read from its source, because the import of an adapter imports its framework."""
    from ast import Assign, literal_eval, parse, unparse

    spec = _spec_of(package)
    source_of: Callable[[str], str | None] | None = getattr(spec and spec.loader, "get_source", None)
    source = source_of(package) if source_of else None  # a frozen program has no source
    lists = [
        node.value
        for node in parse(source or "").body
        if isinstance(node, Assign) and unparse(node.targets[0]) == "__all__"
    ]
    return literal_eval(lists[0]) if lists else []


def _spec_of(package: str) -> ModuleSpec | None:
    from importlib.util import find_spec

    parent, _, _ = package.rpartition(".")
    if not parent:
        return find_spec(package)
    above = _spec_of(parent)  # `find_spec` would import the parent
    return above and PathFinder.find_spec(package, above.submodule_search_locations)
