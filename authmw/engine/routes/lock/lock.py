"""Lock: what protects each route of an application, and its text, one line for each route and each pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

from authmw.engine.auth import Auth
from authmw.engine.guard import GuardSettings
from authmw.engine.path_patterns import PathPattern, parsed
from authmw.engine.path_rules import PathRules
from authmw.engine.public_paths import Default, PublicPaths
from authmw.engine.routes.frameworks import guards_of, routes_of
from authmw.engine.routes.lock.predicates import LockedPredicate
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import Kind, Protection, Route
from authmw.errors import ConfigurationError
from authmw.identity.requirement import Access, AnyOf, Requirement
from authmw.schemes.http_bearer import HTTPBearer

_HEAD: Final = """\
# What protects each route. Written by `authmw routes MODULE:APP --lock FILE`; compared by `--check --lock FILE`.
"""
_GUARD: Final = "GUARD"
_WORDS: Final = {protection.value.replace(" ", "-"): protection for protection in Protection}
_OPEN: Final = {Access.PUBLIC: "anyone", Access.OPTIONAL: "optional", Access.OWN_CREDENTIALS: "own-credentials"}
_AUTHENTICATED: Final = "authenticated"
_PART: Final = re.compile(
    r'"(?P<scope>[^" ]+)"'
    r'|any_of\((?P<group>"[^" ]+"(?:,"[^" ]+")*)\)'
    r"|check\((?P<name>[^ ]+),(?P<code>[0-9a-f]*)\)"
)
_QUOTED: Final = re.compile(r'"([^" ]+)"')


class LockedRoute(NamedTuple):
    """A route as a lock has it.

    Args:
        verb: its method, or ``WEBSOCKET`` or ``MOUNT``.
        path: in the form of OpenAPI.
        protection: what protects it.
        requirement: what is enforced. Its predicates are `LockedPredicate`.
    """

    verb: str
    path: str
    protection: Protection
    requirement: Requirement

    @property
    def label(self) -> str:
        """Its name in messages: ``GET /orders``."""
        return f"{self.verb} {self.path}"

    @property
    def place(self) -> str:
        """What the same route has in common in two versions: the names of parameters may change."""
        return f"{self.verb} {re.sub(r'{[^}]*}', '{}', self.path)}"

    @property
    def words(self) -> str:
        """What protects it, as the lock writes it."""
        return f"{_word(self.protection)} {written(self.requirement)}"


@dataclass(frozen=True, slots=True)
class Lock:
    """What protects each route of an application.

    Args:
        guards: each guard with its patterns, outermost first. They also count for paths that no route has.
        routes: sorted by path and method.
    """

    guards: tuple[PlacedGuard, ...]
    routes: tuple[LockedRoute, ...]

    @classmethod
    def of(cls, app: object) -> Lock:
        """The lock of a Flask, Starlette, FastAPI or Django application, or of another one behind an `AuthMiddleware`.

        Raises:
            ConfigurationError: neither an adapter knows the application, nor is an `AuthMiddleware` around it.
        """
        routes = [_locked(each) for each in routes_of(app) if each.kind is not Kind.PATTERN]
        return cls(tuple(guards_of(app)), tuple(sorted(routes, key=_order)))

    @classmethod
    def parse(cls, text: str) -> Lock:
        """The lock in a text that `text` wrote.

        Raises:
            ConfigurationError: a line cannot be read; each such line by its number.
        """
        guards: dict[str, _GuardLines] = {}
        routes: list[LockedRoute] = []
        mistakes: list[str] = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split(" ")
            try:
                if words[0].partition("-")[0] == _GUARD:
                    guards.setdefault(words[0], _GuardLines(_plain(words[1]))).read(words[2:])
                elif line and not line.startswith("#"):
                    routes.append(_route(words))
            except (LookupError, ValueError, ConfigurationError):
                mistakes.append(f"line {number} of the lock cannot be read: write the lock again")
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(tuple(each.guard() for each in guards.values()), tuple(routes))

    def text(self) -> str:
        """The lock as a text: the same for the same application, with one line for each route.

        >>> from authmw import Auth, HTTPBearer
        >>> from authmw.wsgi import AuthMiddleware
        >>> app = AuthMiddleware(lambda environ, start_response: [], Auth(HTTPBearer()), needs={"/admin/*": "admin"})
        >>> print(Lock.of(app).text().partition("\\n")[2], end="")
        GUARD / default deny
        GUARD / needs /admin/* "admin"
        """
        lines = [line for number, guard in enumerate(self.guards, 1) for line in _guard_lines(number, guard)]
        lines += [f"{each.verb} {_escaped(each.path)} {each.words}" for each in self.routes]
        return _HEAD + "".join(f"{line}\n" for line in lines)


class _GuardLines:
    """The lines of one guard, while they are read."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.rstrip("/")
        self._default: Default = "deny"
        self._public: list[str] = []
        self._leave: list[str] = []
        self._needs: list[tuple[str, Requirement]] = []

    def read(self, words: list[str]) -> None:
        kind, *rest = words
        if kind == "default" and rest in (["deny"], ["allow"]):
            self._default = cast("Literal['deny', 'allow']", rest[0])
            return
        end = 1 if rest[0].startswith("/") else 2  # there may be a method before the path
        pattern, needed = " ".join(map(_plain, rest[:end])), rest[end:]
        if kind == "needs" and PathRules({pattern: read_requirement(needed)}):
            self._needs.append((pattern, read_requirement(needed)))
        elif kind in ("public", "leave") and not needed and PublicPaths([pattern]).patterns:
            (self._public if kind == "public" else self._leave).append(pattern)
        else:
            raise ValueError(kind)

    def guard(self) -> PlacedGuard:
        nobody = Auth(HTTPBearer())  # a lock says what is needed, and not who may be trusted
        settings = GuardSettings(
            nobody, self._default, tuple(self._public), needs=tuple(self._needs), leave=tuple(self._leave)
        )
        return PlacedGuard(settings, self._prefix)


def written(requirement: Requirement) -> str:
    """A requirement as a lock writes it.

    >>> from authmw import any_of
    >>> written(Requirement.all_of("orders:read", any_of("a", "b")))
    '"orders:read" any_of("a","b")'
    """
    if requirement.is_open:
        return _OPEN[requirement.access]
    parts = sorted(f'"{scope}"' for scope in requirement.scopes)
    parts += sorted(map(_group, requirement.alternatives))
    checks = (LockedPredicate.of(each) for each in requirement.predicates)
    parts += sorted(f"check({_escaped(each.name)},{each.code})" for each in checks)
    return " ".join(parts) or _AUTHENTICATED


def read_requirement(words: list[str]) -> Requirement:
    """The requirement that `written` wrote, as the words between its spaces.

    Raises:
        ValueError: it is none.
    """
    for access, word in _OPEN.items():
        if words == [word]:
            return Requirement(access)
    if words == [_AUTHENTICATED]:
        return Requirement()
    found = [_PART.fullmatch(word) for word in words]
    if not found:
        raise ValueError("a requirement is missing")
    scopes: list[str] = []
    groups: list[AnyOf] = []
    checks: list[LockedPredicate] = []
    for each in found:
        if each is None:
            raise ValueError("no requirement")
        if each["scope"]:
            scopes.append(each["scope"])
        elif each["group"]:
            groups.append(AnyOf(tuple(_QUOTED.findall(each["group"]))))
        else:
            checks.append(LockedPredicate(_plain(each["name"]), each["code"]))
    return Requirement(scopes=tuple(scopes), alternatives=tuple(groups), predicates=tuple(checks))


def _group(group: AnyOf) -> str:
    scopes = ",".join(f'"{scope}"' for scope in sorted(group.scopes))
    return f"any_of({scopes})"


def _locked(route: Route) -> LockedRoute:
    return LockedRoute(route.method or route.kind.name, route.path, route.protection, _with_locked(route.requirement))


def _with_locked(requirement: Requirement) -> Requirement:
    predicates = tuple(map(LockedPredicate.of, requirement.predicates))
    return Requirement(requirement.access, requirement.scopes, requirement.alternatives, predicates)


def _order(route: LockedRoute) -> tuple[str, str, str]:
    return route.path, route.verb, route.words


def _route(words: list[str]) -> LockedRoute:
    verb, path, protection, *needed = words
    return LockedRoute(verb, _plain(path), _WORDS[protection], read_requirement(needed))


def _guard_lines(number: int, guard: PlacedGuard) -> Iterator[str]:
    name = (_GUARD if number == 1 else f"{_GUARD}-{number}") + f" {_escaped(guard.prefix or '/')}"
    settings = guard.settings
    yield f"{name} default {settings.default}"
    for setting, patterns in (("public", settings.public), ("leave", settings.leave)):
        yield from sorted(f"{name} {setting} {_pattern(each)}" for each in parsed(patterns, setting, []))
    yield from sorted(
        f"{name} needs {_pattern(each)} {written(needed)}"
        for text, needed in settings.needs
        for each in parsed((text,), "needs", [])
    )


def _pattern(pattern: PathPattern) -> str:
    path = _escaped(str(pattern._replace(method="")))
    return f"{pattern.method} {path}" if pattern.method else path


def _word(protection: Protection) -> str:
    return protection.value.replace(" ", "-")


def _escaped(text: str) -> str:
    """`text` as one word of a line."""
    return text.encode("unicode_escape").decode("ascii").replace(" ", "\\x20")


def _plain(word: str) -> str:
    return word.encode("ascii").decode("unicode_escape")
