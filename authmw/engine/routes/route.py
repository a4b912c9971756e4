"""The routes of an application, each with what protects it: for ``authmw routes``, for documents and for tests.

Adapters fill these in from the route tables of their frameworks. Nothing is decided here; what is said here is what
middleware, guards and decorators enforce.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from authmw.engine.public_paths import PublicPaths
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Access, Requirement, predicate_name

if TYPE_CHECKING:
    from authmw.engine.guard import GuardSettings


class Kind(Enum):
    """What a route leads to."""

    HTTP = "http"
    WEBSOCKET = "websocket"
    MOUNT = "mount"
    """Another application, whose routes cannot be told."""


class Protection(Enum):
    """What stands between a route and a stranger."""

    DECLARED = "declared"
    """The view says what it needs."""
    DEFAULT = "default"
    """Default deny: anyone who is authenticated."""
    PUBLIC = "public"
    """Nothing, and somebody said so."""
    UNPROTECTED = "unprotected"
    """Nothing, and nobody said so."""
    MISPLACED = "misplaced"
    """The view says what it needs, and is registered so that nothing asks for it."""


Protected = tuple[Protection, Requirement]
"""What stands between a stranger and a route, and what the route needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path, with what protects it.

    Args:
        path: as OpenAPI writes it: ``/orders/{number}``; of a mount ``/admin/*``.
        method: in capitals; empty for websockets and mounts. HEAD goes with GET.
        name: of the endpoint, as its framework calls it.
        protection: what stands between it and a stranger.
        requirement: what is enforced.
        kind: what it leads to.
        place: where the endpoint is written: ``shop.py:12``; empty where that cannot be told.
        in_document: whether it belongs in an OpenAPI document.
        parameters: the Parameter Objects of its path.
        endpoint: what is called; for its docstring.
    """

    path: str
    method: str = ""
    name: str
    protection: Protection
    requirement: Requirement
    kind: Kind = Kind.HTTP
    place: str = ""
    in_document: bool = True
    parameters: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    endpoint: Callable[..., Any] | None = field(default=None, repr=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether a stranger gets in where nobody said so: what ``authmw routes --check`` fails for."""
        return self.protection in (Protection.UNPROTECTED, Protection.MISPLACED)

    @property
    def label(self) -> str:
        """What it is called in a sentence and in lists: ``GET /orders``, ``WEBSOCKET /live``, ``MOUNT /admin/*``."""
        return f"{self.method or self.kind.name} {self.path}"

    @property
    def fix(self) -> str:
        """What to do about a route that is open; empty where there is nothing to be done."""
        if self.protection is Protection.MISPLACED:
            return (
                "its decorator is not what is registered, so that nothing asks: "
                "write @requires_scopes next to the function, below the decorator that registers it, "
                "and register what it returned"
            )
        if self.protection is not Protection.UNPROTECTED:
            return ""
        if self.kind is Kind.MOUNT:
            return (
                "nothing protects it: mount it before the guard is put around, wrap it in an AuthMiddleware, "
                f'or name it in public=["{self.path}"]'
            )
        before, braces, _ = self.path.partition("{")
        pattern = before[: before.rindex("/") + 1] + "*" if braces else self.path
        by_pattern = f' or public=["{f"{self.method} {pattern}".strip()}"]' if pattern != "/*" else ""
        return (
            "nothing protects it: decorate it with @requires_scopes or @authenticated, or if anybody may call it with "
            f"@public{by_pattern}"
        )


def protected(declared: Requirement | None, settings: GuardSettings | None, *, method: str, path: str) -> Protected:
    """What stands between a stranger and a route, and what it therefore needs.

    Args:
        declared: what is declared for it, on the way down to it; None for nothing.
        settings: of the middleware in front; None when there is none. A decorator without it lets nobody in.
        method: in capitals.
        path: as OpenAPI writes it.
    """
    if declared is not None:
        return (Protection.PUBLIC if declared.is_open else Protection.DECLARED), declared
    if settings is not None and PublicPaths(settings.public).covers(method, path):
        return Protection.PUBLIC, PUBLIC
    if settings is not None and settings.default == "deny":
        return Protection.DEFAULT, AUTHENTICATED
    return Protection.UNPROTECTED, PUBLIC


def needs(requirement: Requirement) -> str:
    """What a requirement asks for, in a line.

    >>> from authmw import any_of
    >>> needs(Requirement.all_of("orders:read", any_of("a", "b")))
    'orders:read, one of a b'
    """
    if requirement.access is Access.OWN_CREDENTIALS:
        return "credentials of its own"
    if requirement.is_open:
        return "nobody, or anyone" if requirement.access is Access.OPTIONAL else "nobody"
    parts = [
        *requirement.scopes,
        *(f"one of {' '.join(group.scopes)}" for group in requirement.alternatives),
        *(f"{predicate_name(predicate)}()" for predicate in requirement.predicates),
    ]
    return ", ".join(parts) or "anyone authenticated"


def place_of(endpoint: object) -> str:
    """Where a function or a class is written, as ``shop.py:12``, from the directory one is in; empty if unknown."""
    import inspect
    import os

    target: Any = getattr(endpoint, "view_class", endpoint)
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    try:
        target = inspect.unwrap(target)
        is_instance = not isinstance(target, type) and not inspect.isroutine(target)
        if is_instance:
            target = cast("object", type(target))
        file, line = inspect.getsourcefile(target), inspect.getsourcelines(target)[1]
    except (TypeError, OSError, ValueError):
        return ""
    if file is None:
        return ""
    _, installed, below = file.partition(f"site-packages{os.sep}")
    if installed:
        # Where a framework's class is written says nothing of what was made of it.
        return "" if is_instance else f"{below}:{line}"
    relative = os.path.relpath(file)
    return f"{file if relative.startswith('..') else relative}:{line}"
