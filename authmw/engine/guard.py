"""Default deny in front of an application, as both middlewares apply it before the application sees the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

from authmw.engine.auth import Auth
from authmw.engine.authentication import Authentication
from authmw.engine.public_paths import Default, PublicPaths, patterns_in
from authmw.errors import ConfigurationError
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Requirement

RequirementOf = Callable[[RequestHead], Requirement | None]
"""Finds the requirement of the operation of a request in the route table; None when the table has none."""


class Passage(Enum):
    """How the guard lets a request pass to the application."""

    OPEN = "open"
    PREFLIGHT = "preflight"
    """A CORS preflight: the response has the application's headers, and none of its content."""


OPEN: Final = Passage.OPEN


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Settings of the guard in front of an application, for the lists of its routes and for its document.

    Args:
        auth: the engine.
        default: the default for views without a declaration.
        public: patterns of `PublicPaths`.
    """

    auth: Auth
    default: Default
    public: tuple[str, ...]


class Guard:
    """Default deny in front of an application: lets each request pass, or refuses it.

    Args:
        auth: the engine.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to the views.
        public: patterns of `PublicPaths`.
        requirement_of: looks into the route table. It is called only for requests without credentials.

    Raises:
        ConfigurationError: every mistake at once.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        default: Default,
        public: Iterable[str],
        requirement_of: RequirementOf | None = None,
    ) -> None:
        mistakes = _mistakes(auth, default)
        patterns = patterns_in(public)
        try:
            self._public = PublicPaths(cast("tuple[str, ...]", patterns))
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.settings: GuardSettings = GuardSettings(auth, default, cast("tuple[str, ...]", patterns))
        self._auth = auth
        self._default = AUTHENTICATED if default == "deny" else PUBLIC
        self._requirement_of = requirement_of

    def admit(self, authentication: Authentication, request: RequestHead) -> Passage | Refusal:
        """How the request passes, or the refusal of it.

        An authenticated caller passes. Scopes and predicates are decided where the view is known.
        """
        if authentication.principal.is_authenticated:
            return OPEN
        if authentication.presented:
            return self._refuse(authentication, request)
        if self._default.is_open or self._public.matches(request):
            return OPEN
        if request.is_preflight:
            return Passage.PREFLIGHT
        requirement = self._known(request)
        return OPEN if requirement.is_open else self._refuse(authentication, request)

    def _known(self, request: RequestHead) -> Requirement:
        known = self._requirement_of(request) if self._requirement_of is not None else None
        return self._default if known is None else known

    def _refuse(self, authentication: Authentication, request: RequestHead) -> Passage | Refusal:
        requirement = self._known(request)
        # Unrecognised credentials are refused on a public route too (rule 3 of the engine).
        decision = self._auth.decide(authentication, AUTHENTICATED if requirement.is_open else requirement, request)
        return decision if isinstance(decision, Refusal) else OPEN


def _mistakes(auth: object, default: object) -> list[str]:
    mistakes: list[str] = []
    if not isinstance(auth, Auth):
        mistakes.append(f"AuthMiddleware(app, auth) needs an Auth, not {type(auth).__name__}")
    if default not in ("deny", "allow"):
        mistakes.append(f'default={default!r} has to be "deny" or "allow"')
    return mistakes
