"""How the alternatives of an `Auth` are tried on a request: the first verdict decides (rules 1 and 2 of the engine)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import GeneratorType
from typing import Any

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.base import AllOf, Alternatives, OneOf, SecurityScheme


class Unrecognised:
    """Credentials that no verifier took for its own."""

    __slots__ = ("credentials",)

    def __init__(self, credentials: object) -> None:
        self.credentials: object = credentials


Found = tuple[Verdict, SecurityScheme[Any]]
"""The verdict that decides, and whose it is."""

Attempt = Found | Unrecognised | None
"""What one alternative came to; None when it found no credentials."""


class Asking:
    """An attempt for which somebody has to be asked. Only those are flows, since a generator has its price."""

    __slots__ = ("flow",)

    def __init__(self, flow: Flow[Attempt]) -> None:
        self.flow: Flow[Attempt] = flow


Try = Callable[[RequestHead], Attempt | Asking]
"""Tries one alternative."""


def try_of(part: Alternatives) -> Try:
    """How `part` is tried. What it consists of is looked at here, once, and not in each request."""
    if isinstance(part, SecurityScheme):
        return partial(_try_scheme, part)
    if isinstance(part, OneOf):
        tries = tuple(map(try_of, part.parts))
        return lambda request: Asking(_try_one(tries, request))
    if isinstance(part, AllOf):
        tries, schemes = tuple(map(try_of, part.parts)), part.schemes
        return lambda request: Asking(_try_all(tries, schemes, request))
    raise ConfigurationError(f"{type(part).__name__} is neither a scheme nor a combination of schemes")


def _try_scheme(scheme: SecurityScheme[Any], request: RequestHead) -> Attempt | Asking:
    credentials = scheme.extract(request)
    if credentials is None:
        return None
    if isinstance(credentials, Rejected):
        return credentials, scheme
    if scheme.verifier is None:
        return Unrecognised(credentials)
    verdict: object = scheme.verifier.verify(credentials, request)
    if isinstance(verdict, GeneratorType):
        return Asking(_ask(verdict, credentials, scheme))
    return _judged(verdict, credentials, scheme)


def _ask(verdict: Flow[object], credentials: object, scheme: SecurityScheme[Any]) -> Flow[Attempt]:
    return _judged((yield from verdict), credentials, scheme)


def _try_one(tries: tuple[Try, ...], request: RequestHead) -> Flow[Attempt]:
    """The first alternative with a verdict decides."""
    unrecognised: Unrecognised | None = None
    for each in tries:
        tried = each(request)
        attempt = (yield from tried.flow) if isinstance(tried, Asking) else tried
        if isinstance(attempt, tuple):
            return attempt
        unrecognised = unrecognised or attempt
    return unrecognised


def _try_all(tries: tuple[Try, ...], schemes: tuple[SecurityScheme[Any], ...], request: RequestHead) -> Flow[Attempt]:
    """All parts have to hold. The last one says who it is."""
    headers: tuple[tuple[str, str], ...] = ()
    found: Found | None = None
    for each in tries:
        tried = each(request)
        attempt = (yield from tried.flow) if isinstance(tried, Asking) else tried
        if not isinstance(attempt, tuple):
            # With a part missing the others prove nothing: what was presented is nobody's.
            others = (scheme.extract(request) for scheme in schemes)
            return attempt or next((Unrecognised(other) for other in others if other is not None), None)
        verdict, scheme = attempt
        if isinstance(verdict, Rejected):
            return attempt
        headers += verdict.headers
        found = Authenticated(verdict.principal, headers=headers), scheme
    return found


def _judged(verdict: object, credentials: object, scheme: SecurityScheme[Any]) -> Attempt:
    """What a verifier's answer comes to. Whatever is no verdict, as True or a principal, is no proof."""
    if isinstance(verdict, Authenticated):
        if not _is_somebody(verdict.principal):
            raise FlowError(f"{type(scheme.verifier).__name__}.verify authenticated nobody: answer Rejected or None")
        return verdict, scheme
    if isinstance(verdict, Rejected):
        return verdict, scheme
    if verdict is None:
        return Unrecognised(credentials)
    raise FlowError(f"{type(scheme.verifier).__name__}.verify answered neither Authenticated, Rejected nor None")


def _is_somebody(principal: object) -> bool:
    return isinstance(principal, Principal) and principal.is_authenticated
