"""Authentication of one request: the alternatives of an `Auth`, the outcome of each, and the result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import GeneratorType
from typing import Any, Final, NamedTuple

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.base import AllOf, Alternatives, OneOf, SecurityScheme


class Authentication(NamedTuple):
    """The result of authentication. Without credentials the principal is `ANONYMOUS`.

    Args:
        principal: the caller, as the credentials prove it.
        scheme: the scheme that authenticated; None where none did.
        headers: what the scheme adds to the response (``Authentication-Info``).
        presented: the request has credentials that no scheme of the `Auth` recognised.
        credentials: what a scheme without a verifier extracted. They prove nothing.
    """

    principal: Principal
    scheme: SecurityScheme[Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    presented: bool = False
    credentials: object = None


NOBODY: Final = Authentication(ANONYMOUS)
"""The request has no credentials that a scheme of the `Auth` reads."""

ENDED: Final = Authentication(ANONYMOUS)
"""The application is done with the request. It is compared by ``is``, which costs the least on each request."""


class Unrecognised:
    """Outcome of an alternative whose verifier does not know the credentials."""

    __slots__ = ("credentials",)

    def __init__(self, credentials: object) -> None:
        self.credentials: object = credentials


Decided = tuple[Verdict, SecurityScheme[Any]]
"""The verdict that decides, and the scheme that it is about."""

Outcome = Decided | Unrecognised | None
"""Result of one alternative; None when the request has no credentials for it."""


class DeferredOutcome:
    """Outcome that a flow finds out, by a call of a store or of a thread pool.

    Only such outcomes are flows, since a generator costs time.
    """

    __slots__ = ("flow",)

    def __init__(self, flow: Flow[Outcome]) -> None:
        self.flow: Flow[Outcome] = flow


Evaluate = Callable[[RequestHead], Outcome | DeferredOutcome]
"""Evaluates one alternative on a request."""


def evaluator_of(part: Alternatives) -> Evaluate:
    """The function that evaluates `part`. The combination is read here, once, and not on each request.

    Raises:
        ConfigurationError: `part` is neither a scheme nor a combination of schemes.
    """
    if isinstance(part, SecurityScheme):
        return partial(_evaluate_scheme, part)
    if isinstance(part, OneOf):
        evaluators = tuple(map(evaluator_of, part.parts))
        return lambda request: DeferredOutcome(_evaluate_one_of(evaluators, request))
    if isinstance(part, AllOf):
        evaluators, schemes = tuple(map(evaluator_of, part.parts)), part.schemes
        return lambda request: DeferredOutcome(_evaluate_all_of(evaluators, schemes, request))
    raise ConfigurationError(
        f"{type(part).__name__} is neither a scheme nor a combination of schemes: combine schemes by | and &"
    )


def _evaluate_scheme(scheme: SecurityScheme[Any], request: RequestHead) -> Outcome | DeferredOutcome:
    credentials = scheme.extract(request)
    if credentials is None:
        return None
    if isinstance(credentials, Rejected):
        return credentials, scheme
    if scheme.verifier is None:
        return Unrecognised(credentials)
    verdict: object = scheme.verifier.verify(credentials, request)
    if isinstance(verdict, GeneratorType):
        return DeferredOutcome(_evaluate_flow(verdict, credentials, scheme))
    return _outcome_of(verdict, credentials, scheme)


def _evaluate_flow(verdict: Flow[object], credentials: object, scheme: SecurityScheme[Any]) -> Flow[Outcome]:
    return _outcome_of((yield from verdict), credentials, scheme)


def _evaluate_one_of(evaluators: tuple[Evaluate, ...], request: RequestHead) -> Flow[Outcome]:
    """The first alternative with a verdict decides."""
    unrecognised: Unrecognised | None = None
    for evaluate in evaluators:
        found = evaluate(request)
        outcome = (yield from found.flow) if isinstance(found, DeferredOutcome) else found
        if isinstance(outcome, tuple):
            return outcome
        unrecognised = unrecognised or outcome
    return unrecognised


def _evaluate_all_of(
    evaluators: tuple[Evaluate, ...], schemes: tuple[SecurityScheme[Any], ...], request: RequestHead
) -> Flow[Outcome]:
    """All parts have to succeed. The last one names the principal."""
    headers: tuple[tuple[str, str], ...] = ()
    decided: Decided | None = None
    for evaluate in evaluators:
        found = evaluate(request)
        outcome = (yield from found.flow) if isinstance(found, DeferredOutcome) else found
        if not isinstance(outcome, tuple):
            # Without one part the others prove nothing. So credentials for any part count as unrecognised.
            others = (scheme.extract(request) for scheme in schemes)
            return outcome or next((Unrecognised(other) for other in others if other is not None), None)
        verdict, scheme = outcome
        if isinstance(verdict, Rejected):
            return outcome
        headers += verdict.headers
        decided = Authenticated(verdict.principal, headers=headers), scheme
    return decided


def _outcome_of(verdict: object, credentials: object, scheme: SecurityScheme[Any]) -> Outcome:
    """The outcome of the result of a verifier.

    Raises:
        FlowError: the result is no verdict. True or a principal, for example, is no proof.
    """
    if isinstance(verdict, Authenticated):
        if not _is_a_caller(verdict.principal):
            raise FlowError(f"{type(scheme.verifier).__name__}.verify authenticated nobody: answer Rejected or None")
        return verdict, scheme
    if isinstance(verdict, Rejected):
        return verdict, scheme
    if verdict is None:
        return Unrecognised(credentials)
    raise FlowError(f"{type(scheme.verifier).__name__}.verify answered neither Authenticated, Rejected nor None")


def _is_a_caller(principal: object) -> bool:
    return isinstance(principal, Principal) and principal.is_authenticated
