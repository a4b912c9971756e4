"""Default deny in front of an application, as both middlewares apply it before the application sees the request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, cast

from authmw.engine.adapter import Adapter
from authmw.engine.auth import Auth
from authmw.engine.authentication import Authentication
from authmw.engine.path_patterns import patterns_in
from authmw.engine.path_rules import Needs, PathRules
from authmw.engine.promise import PathPromise
from authmw.engine.public_paths import Default, PublicPaths
from authmw.engine.undeclared_scopes import warn_of_undeclared
from authmw.errors import ConfigurationError
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Requirement
from authmw.schemes.base import Alternatives

Preflights = Literal["guard", "application"]
"""Who answers the CORS preflights of strangers where `OPTIONS` is not public."""


class Passage(Enum):
    """How the guard treats a request that it does not refuse."""

    OPEN = "open"
    """The application serves it."""
    PROMISED = "promised"
    """The application serves it by a `Promise`: for the sake of one public endpoint, or of a public path."""
    PREFLIGHT_ANSWERED = "preflight answered"
    """A CORS preflight: the guard answers it, and no code of the application runs."""
    PREFLIGHT_PASSED = "preflight passed"
    """A CORS preflight: the response has the application's headers, and none of its content."""


OPEN: Final = Passage.OPEN


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Settings of the guard in front of an application, for the lists of its routes and for its document.

    Args:
        auth: the engine.
        default: the default for views without a declaration.
        public: patterns of `PublicPaths`.
        preflights: who answers CORS preflights.
        needs: the patterns of `PathRules`, each with what it needs.
        leave: patterns of the paths whose program authenticates its callers itself.
    """

    auth: Auth
    default: Default
    public: tuple[str, ...]
    preflights: Preflights = "guard"
    needs: tuple[tuple[str, Requirement], ...] = ()
    leave: tuple[str, ...] = ()


class Guard:
    """Default deny in front of an application: lets each request pass, or refuses it.

    Args:
        auth: the engine.
        adapter: that of the framework of the application.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to the views.
        public: patterns of `PublicPaths`.
        preflights: ``guard`` answers the preflights of strangers here; ``application`` hands them on.
        needs: the rules of `PathRules`. They add to what the endpoints declare.
        leave: patterns of the paths whose program authenticates its callers itself.

    Raises:
        ConfigurationError: every mistake at once.
    """

    def __init__(
        self,
        auth: Auth,
        adapter: Adapter,
        *,
        default: Default,
        public: Iterable[str],
        preflights: Preflights = "guard",
        needs: Needs | None = None,
        leave: Iterable[str] = (),
    ) -> None:
        mistakes = _mistakes(auth, default, preflights)
        # A generator is read once; a member that is no string is a mistake, which is found below.
        opened, left = cast("tuple[str, ...]", patterns_in(public)), cast("tuple[str, ...]", patterns_in(leave))
        try:
            self.public: PublicPaths = PublicPaths(opened, login=getattr(auth, "login", None))  # it may be no Auth
        except ConfigurationError as error:
            mistakes += error.mistakes
        try:
            self.left: PublicPaths = PublicPaths(left, "leave")
        except ConfigurationError as error:
            mistakes += error.mistakes
        try:
            self.rules: PathRules = PathRules(needs)
        except ConfigurationError as error:
            mistakes += error.mistakes
        mistakes = mistakes or _contradictions(self.public, self.left, self.rules) + _closed_login(auth, self.rules)
        if mistakes:
            raise ConfigurationError(*mistakes)
        rules = tuple((str(pattern), needed) for pattern, needed in self.rules.by_pattern.items())
        self.settings: GuardSettings = GuardSettings(auth, default, opened, preflights, rules, left)
        warn_of_undeclared(_scopes_in(self.rules), auth)
        self.has_rules: bool = bool(self.rules)
        """Whether there are rules from outside."""
        self.leaves_paths: bool = bool(self.left.patterns)
        """Whether there are paths whose program authenticates its callers itself."""
        self._auth = auth
        self._default = AUTHENTICATED if default == "deny" else PUBLIC
        self.adapter: Adapter = adapter
        self.promised: Passage = Passage.PROMISED if adapter.keeps_promises and default == "deny" else OPEN
        """How a request passes for the sake of a public endpoint or path."""
        self._preflight = Passage.PREFLIGHT_ANSWERED if preflights == "guard" else Passage.PREFLIGHT_PASSED

    def leaves(self, request: RequestHead) -> bool:
        """Whether the program authenticates the callers of this path itself. Such a request passes as `promised`."""
        return self._is_among(self.left, request)

    def admit(self, authentication: Authentication, request: RequestHead) -> Passage | Refusal:
        """How the request passes, or the refusal of it.

        An authenticated caller passes if the rules let it. What endpoints need is decided where the view is known.
        """
        if authentication.principal.is_authenticated:
            rule = self.rule(request) if self.has_rules else None
            return OPEN if rule is None else self._decide(authentication, rule, request)
        if authentication.presented:
            return self._refuse(authentication, self._known(request), request)
        if self._default.is_open and self.rule(request) is None:
            return OPEN
        if self.is_public(request):
            return self.promised
        known = self._known(request)
        if known.is_open:
            return self.promised
        # A browser sends a preflight without credentials (Fetch §3.2.2), and asks nothing of the operation itself.
        return self._preflight if request.is_preflight else self._refuse(authentication, known, request)

    def passage_by_table(self, request: RequestHead) -> Passage:
        """The passage of a stranger for whom the route table names a public endpoint."""
        self.is_public(request)  # if it is, the promise is for the path
        return self.promised

    def is_public(self, request: RequestHead) -> bool:
        """Whether the path of `request` is public."""
        return self._is_among(self.public, request)

    def _is_among(self, paths: PublicPaths, request: RequestHead) -> bool:
        """Whether `paths` have the path of `request`. If so, that is what an adapter gets a promise for."""
        is_among = paths.matches(request, self.adapter.knows_router)
        if is_among and self.promised is not OPEN:
            request.promise = PathPromise(paths, request, self.adapter.knows_router)
        return is_among

    def rule(self, request: RequestHead) -> Requirement | None:
        """What the rules need; None if no rule names the path, or if it is public."""
        rule = self.rules.requirement(request) if self.has_rules else None
        return None if rule is None or self.public.matches(request, self.adapter.knows_router) else rule

    def _known(self, request: RequestHead) -> Requirement:
        declared, rule = self.adapter.requirement_of(request), self.rule(request)
        known = self._default if declared is None else declared
        return known if rule is None else known & rule

    def _refuse(self, authentication: Authentication, known: Requirement, request: RequestHead) -> Passage | Refusal:
        # Unrecognised credentials are refused on a public route too (rule 3 of the engine).
        return self._decide(authentication, AUTHENTICATED if known.is_open else known, request)

    def _decide(self, authentication: Authentication, needed: Requirement, request: RequestHead) -> Passage | Refusal:
        decision = self._auth.decide(authentication, needed, request)
        return decision if isinstance(decision, Refusal) else OPEN


def preflight_response(vary: str) -> Response:
    """The response to a CORS preflight that the guard answers. It says nothing of path and method.

    Args:
        vary: the request headers on which responses depend.
    """
    return Response(204, (("Vary", vary),) if vary else (), b"")


def _scopes_in(rules: PathRules) -> Iterator[tuple[str, str]]:
    for pattern, needed in rules.by_pattern.items():
        yield from ((f"needs pattern '{pattern}'", scope) for scope in needed.all_scopes)


def _mistakes(auth: object, default: object, preflights: object) -> list[str]:
    mistakes: list[str] = []
    if not isinstance(auth, Auth):
        kind = type(auth).__name__
        line = f"Auth({kind}(...))" if isinstance(auth, Alternatives) else "AuthMiddleware(app, auth)"
        mistakes.append(f"AuthMiddleware(app, auth) needs an Auth, not {kind}: write {line}")
    if default not in ("deny", "allow"):
        mistakes.append(f'default={default!r} has to be "deny" or "allow"')
    if preflights not in ("guard", "application"):
        mistakes.append(f'preflights={preflights!r} has to be "guard" or "application"')
    return mistakes


def _closed_login(auth: Auth, rules: PathRules) -> list[str]:
    """A sentence for each rule that names the login page alone, which is public."""
    paths = () if auth.login is None else auth.login.paths_below("")
    return [
        f"needs pattern '{pattern}' never applies, since login= opens the page: take it out"
        for pattern in rules.by_pattern
        if not pattern.below and pattern.path in paths
    ]


def _contradictions(public: PublicPaths, left: PublicPaths, rules: PathRules) -> list[str]:
    """A sentence for each pattern that never applies, since another argument names all of its paths."""
    mistakes = [
        f"needs pattern '{pattern}' never applies, since {setting} has '{other}': take one of them out"
        for pattern in rules.by_pattern
        for setting, paths in (("public", public), ("leave", left))
        for other in paths.containing(pattern)
    ]
    opened = frozenset(public.patterns)
    return mistakes + [
        f"'{each}' is in public and in leave: take it out of one" for each in left.patterns if each in opened
    ]
