"""Route of an application with its protection, for ``authmw routes``, for documents and for tests.

Adapters make routes from the route tables of their frameworks. Nothing is decided here: a route shows what middleware
and enforcing wrappers enforce.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from authmw.engine.path_rules import PathRules
from authmw.engine.public_paths import PublicPaths
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Access, Requirement, predicate_name
from authmw.identity.step_up import StepUp

if TYPE_CHECKING:
    from authmw.engine.guard import GuardSettings


class Kind(Enum):
    """The kind of endpoint at a route."""

    HTTP = "http"
    WEBSOCKET = "websocket"
    MOUNT = "mount"
    """Another application, whose routes cannot be listed."""
    PATTERN = "pattern"
    """A pattern of a middleware in front of an application whose routes are not known."""


class Protection(Enum):
    """What protects a route from clients without credentials."""

    DECLARED = "declared"
    """A requirement that the view declares."""
    RULE = "rule"
    """A rule of ``needs=``."""
    DEFAULT = "default"
    """Default deny: the route needs authentication."""
    PUBLIC = "public"
    """Nothing, by an explicit declaration or pattern."""
    LEFT_ALONE = "left alone"
    """Nothing of authmw: the program authenticates its callers itself, by ``leave=``."""
    CONTRADICTED = "contradicted"
    """A rule of ``needs=``, which counts, while the view is declared public."""
    UNREACHABLE = "unreachable"
    """The view needs a caller, and by ``leave=`` nobody is authenticated there, so that it refuses everybody."""
    UNPROTECTED = "unprotected"
    """Nothing, and nothing declares it public."""
    MISPLACED = "misplaced"
    """Nothing: the view declares a requirement, and is registered in such a way that nothing enforces it."""


Protected = tuple[Protection, Requirement]
"""The protection of a route, and the requirement that is enforced there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path, with its protection.

    Args:
        path: in the form of OpenAPI, ``/orders/{number}``; of a mount ``/admin/*``.
        method: in capitals; empty for websockets and mounts. HEAD belongs to GET.
        name: of the endpoint in its framework.
        protection: what protects it.
        requirement: the requirement that is enforced.
        kind: the kind of endpoint.
        place: file and line of the endpoint, ``shop.py:12``; empty where unknown.
        in_document: whether it belongs in an OpenAPI document.
        parameters: the Parameter Objects of its path.
        endpoint: the function or application that is called; for its docstring.
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
        """Whether it is open without being declared public: then ``authmw routes --check`` fails."""
        return self.protection in (Protection.UNPROTECTED, Protection.MISPLACED)

    @property
    def label(self) -> str:
        """Its name in messages and lists: ``GET /orders``, ``WEBSOCKET /live``, ``MOUNT /admin/*``."""
        return f"{self.method or self.kind.name} {self.path}"

    @property
    def fix(self) -> str:
        """How to close a route that is open, or to resolve its contradiction; empty where there is none."""
        if self.protection is Protection.CONTRADICTED:
            return (
                "it is declared public, and a pattern of needs= names it, which counts: name it in public= too, or "
                "remove @public"
            )
        if self.protection is Protection.UNREACHABLE:
            return (
                "it needs a caller, and leave= names it, where nobody is authenticated: take the path out of leave=, "
                "or remove the declaration"
            )
        if self.protection is Protection.MISPLACED:
            return (
                "it is registered without its enforcing wrapper, so nothing enforces what it declares: "
                "write @requires_scopes next to the function, below the decorator that registers it, "
                "and register what it returned"
            )
        if self.protection is not Protection.UNPROTECTED:
            return ""
        if self.kind is Kind.MOUNT:
            return (
                "nothing protects it: mount it before FlaskAuth is called, wrap it in an AuthMiddleware, "
                f'or name it in public=["{self.path}"]'
            )
        before, braces, _ = self.path.partition("{")
        pattern = before[: before.rindex("/") + 1] + "*" if braces else self.path
        by_pattern = f' or public=["{f"{self.method} {pattern}".strip()}"]' if pattern != "/*" else ""
        return (
            "nothing protects it: decorate it with @requires_scopes or @authenticated, or, to open it, with "
            f"@public{by_pattern}"
        )


def protected(declared: Requirement | None, settings: GuardSettings | None, *, method: str, path: str) -> Protected:
    """The protection of a route, and the requirement that is enforced there.

    Args:
        declared: the requirement declared for it, on the endpoint and around it; None for none.
        settings: of of the middleware in front; None without one. Without it, a decorator refuses every caller.
        method: in capitals.
        path: in the form of OpenAPI.
    """
    if settings is None:
        if declared is None:
            return Protection.UNPROTECTED, PUBLIC
        return (Protection.PUBLIC if declared.is_open else Protection.DECLARED), declared
    paths = _paths_of(settings)
    if paths.left.covers(method, path):
        closed = declared is not None and not declared.is_open
        return (Protection.UNREACHABLE if closed else Protection.LEFT_ALONE), declared or PUBLIC
    is_public = paths.public.covers(method, path)
    rule = None if is_public else paths.rules.covering(method, path)
    if declared is not None and (rule is None or declared.access is Access.OWN_CREDENTIALS):
        return (Protection.PUBLIC if declared.is_open else Protection.DECLARED), declared
    if declared is not None and rule is not None:
        return (Protection.CONTRADICTED if declared.is_open else Protection.DECLARED), declared & rule
    if rule is not None:
        return Protection.RULE, rule
    if is_public:
        return Protection.PUBLIC, PUBLIC
    return (Protection.DEFAULT, AUTHENTICATED) if settings.default == "deny" else (Protection.UNPROTECTED, PUBLIC)


class _Paths(NamedTuple):
    """The paths of a guard."""

    public: PublicPaths
    left: PublicPaths
    rules: PathRules


@lru_cache(maxsize=8)
def _paths_of(settings: GuardSettings) -> _Paths:
    public = PublicPaths(settings.public, login=settings.auth.login)
    return _Paths(public, PublicPaths(settings.leave, "leave"), PathRules(dict(settings.needs)))


def needs(requirement: Requirement) -> str:
    """A requirement in one line.

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
        *(
            each.in_words if isinstance(each, StepUp) else f"{predicate_name(each)}()"
            for each in requirement.predicates
        ),
    ]
    return ", ".join(parts) or "anyone authenticated"


def place_of(endpoint: object) -> str:
    """File and line of a function or a class, ``shop.py:12``, relative to the working directory; empty if unknown."""
    import inspect

    target: Any = getattr(endpoint, "view_class", endpoint)
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    try:
        target = inspect.unwrap(target)
        is_instance = not isinstance(target, type) and not inspect.isroutine(target)
        if is_instance:
            target = cast("object", type(target))
        file, line = inspect.getsourcefile(target), inspect.findsource(target)[1] + 1  # reads no tokens
    except (TypeError, OSError, ValueError):
        return ""
    if file is None:
        return ""
    _, installed, below = file.partition(f"site-packages{os.sep}")
    if installed:
        # The place of a framework's class tells nothing about one object of it.
        return "" if is_instance else f"{below}:{line}"
    relative = os.path.relpath(file)
    return f"{file if relative.startswith('..') else relative}:{line}"
