"""Authentication of one request: the alternatives of an `Auth`, the outcome of each, and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from math import isnan
from types import GeneratorType
from typing import Any, Final, NamedTuple, cast

from authmw.errors import AuthmwError, FlowError, StoreUnavailable, Unavailable, is_passed_on
from authmw.flow.application_code import is_of_application
from authmw.flow.clocks import now
from authmw.flow.flow import Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.set_cookie import cookies_set_by
from authmw.identity.credentials import BearerToken, DPoPToken
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.validity import Validities, Validity, each_of
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.base import Alternatives, SecurityScheme, Way, ways
from authmw.verifiers.lookup import LookupVerifier


class DeadCookie:
    """Outcome of a scheme whose cookie authenticates nobody. It counts as absent, since browsers send it unasked.

    Args:
        rejected: why it authenticates nobody.
        scheme: the scheme that read it.
        clearing: the headers that clear the dead cookies of the request; by default those of this one.
    """

    __slots__ = ("clearing", "rejected", "scheme")

    def __init__(
        self, rejected: Rejected, scheme: SecurityScheme[Any], clearing: tuple[tuple[str, str], ...] | None = None
    ) -> None:
        self.rejected: Rejected = rejected
        self.scheme: SecurityScheme[Any] = scheme
        self.clearing: tuple[tuple[str, str], ...] = scheme.clearing(rejected) if clearing is None else clearing


class Authentication(NamedTuple):
    """The result of authentication. Without credentials the principal is `ANONYMOUS`.

    Args:
        principal: the caller, as the credentials prove it.
        scheme: the scheme that authenticated; None where none did.
        headers: what is added to the response: ``Authentication-Info`` of the scheme, and `PRIVATE` for others than
            those in ``Authorization``, unless the response says something about caching itself.
        presented: the request has credentials that no scheme of the `Auth` recognised.
        credentials: what a scheme without a verifier extracted. They prove nothing.
        dead_cookie: a cookie that authenticates nobody. It is the reason of the refusal where credentials are needed.
        lasts: until when the credentials hold, as the verdict says it.
    """

    principal: Principal
    scheme: SecurityScheme[Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    presented: bool = False
    credentials: object = None
    dead_cookie: DeadCookie | None = None
    lasts: Validities = ()

    @property
    def validities(self) -> tuple[Validity, ...]:
        """Until when the credentials hold. A connection that stays open ends with the first of them."""
        return each_of(self.lasts, self.principal.expires_at)


NOBODY: Final = Authentication(ANONYMOUS)
"""The request has no credentials that a scheme of the `Auth` reads."""

LEFT_ALONE: Final = Authentication(ANONYMOUS)
"""The program authenticates the callers of this path itself, so that nothing of the request was looked at."""

OWN_CREDENTIALS: Final = Authentication(ANONYMOUS)
"""The endpoint reads the credentials of the request itself, as a token endpoint does. Nothing was looked at."""

ENDED: Final = Authentication(ANONYMOUS)
"""The application is done with the request. It is compared by ``is``, which costs the least on each request."""


PRIVATE: Final = ("Cache-Control", "private")
"""Header that keeps a response out of shared caches. RFC 9111 §3.5 does so for requests with ``Authorization`` only."""


ONLY_PRIVATE: Final = (PRIVATE,)
"""The headers of an `Authentication` that adds nothing else; middlewares compare them by ``is``."""


class Unrecognised:
    """Outcome of an alternative whose verifier does not know the credentials.

    Args:
        credentials: what a scheme extracted.
        declined: the schemes whose verifiers answered None, each with the credentials.
    """

    __slots__ = ("credentials", "declined")

    def __init__(self, credentials: object, *declined: tuple[SecurityScheme[Any], object]) -> None:
        self.credentials: object = credentials
        self.declined: tuple[tuple[SecurityScheme[Any], object], ...] = declined

    def beside(self, other: Unrecognised | None) -> Unrecognised:
        """This outcome together with that of another alternative."""
        return self if other is None else Unrecognised(self.credentials, *self.declined, *other.declined)

    def refused_token(self) -> tuple[SecurityScheme[Any], Rejected] | None:
        """The refusal of a token that no verifier takes (RFC 6750 §3.1), and its scheme; None for other credentials."""
        tokens = [(scheme, each.token) for scheme, each in self.declined if isinstance(each, BearerToken | DPoPToken)]
        if not tokens:
            return None
        scheme, token = tokens[0]
        form = "a JWT" if token.count(".") == 2 else "an opaque token"
        expected = dict.fromkeys(_expected_by(scheme.verifier) for scheme, _ in tokens)
        return scheme, Rejected(Reason.TOKEN_KIND, f"it is {form}; expected: {' or '.join(expected)}")


def _expected_by(verifier: object) -> str:
    """The kind of token that `verifier` knows, for the log."""
    expected = ""
    with suppress(Exception):  # it may be a property of the application, and the token is refused in any case
        expected = str(getattr(verifier, "expects", ""))
    return expected or f"what {type(verifier).__name__} knows"


Decided = tuple[Verdict, SecurityScheme[Any]]
"""The verdict that decides, and the scheme that it is about."""

Outcome = Decided | Unrecognised | DeadCookie | None
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


def evaluator_of(accept: Alternatives, *, may_wait: bool) -> Evaluate:
    """The function that evaluates `accept`. The combination is read here, once, and not on each request.

    Args:
        accept: the alternatives.
        may_wait: whether functions of the application may be called at once, since each request has its own thread.

    Raises:
        ConfigurationError: `accept` is neither a scheme nor a combination of schemes.
    """
    if isinstance(accept, SecurityScheme):
        return _evaluator_of_scheme(accept.schemes[0], may_wait=may_wait)
    reading, others = in_order_of_evaluation(accept)
    evaluators = {scheme: _evaluator_of_scheme(scheme, may_wait=may_wait) for scheme in accept.schemes}
    return lambda request: DeferredOutcome(_evaluate_ways(reading, others, evaluators, request))


def in_order_of_evaluation(accept: Alternatives) -> tuple[tuple[Way, ...], tuple[Way, ...]]:
    """The ways of `accept` that read the ``Authorization`` header, which are tried first, and the others.

    Raises:
        ConfigurationError: `accept` has a part that is neither a scheme nor a combination of schemes.
    """
    reading, others = list[Way](), list[Way]()
    for way in ways(accept):
        (reading if any(scheme.in_authorization for scheme in way) else others).append(way)
    return tuple(reading), tuple(others)


def _evaluator_of_scheme(scheme: SecurityScheme[Any], *, may_wait: bool) -> Evaluate:
    verifier = scheme.verifier
    here = verifier.verify_here if may_wait and type(verifier) is LookupVerifier else None

    def evaluate(request: RequestHead) -> Outcome | DeferredOutcome:
        credentials = scheme.extract(request)
        if credentials is None:
            return None
        if isinstance(credentials, Rejected):
            return DeadCookie(credentials, scheme) if scheme.in_cookie else (credentials, scheme)
        if verifier is None:
            return Unrecognised(credentials)
        verdict: object = verifier.verify(credentials, request) if here is None else here(credentials, request)
        if isinstance(verdict, Authenticated):
            principal = verdict.principal
            if type(principal) is Principal and principal.kind != "anonymous":
                return verdict, scheme  # what `_outcome_of` answers to most verdicts, without its calls
        if isinstance(verdict, GeneratorType):
            return DeferredOutcome(_evaluate_flow(verdict, credentials, scheme))
        return _outcome_of(verdict, credentials, scheme)

    return partial(_evaluate_foreign, scheme, evaluate) if _is_foreign(scheme) else evaluate


def _evaluate_flow(verdict: Flow[object], credentials: object, scheme: SecurityScheme[Any]) -> Flow[Outcome]:
    return _outcome_of((yield from verdict), credentials, scheme)


def _is_foreign(scheme: SecurityScheme[Any]) -> bool:
    """Whether `scheme` or its verifier is of the application."""
    return is_of_application(scheme) or (scheme.verifier is not None and is_of_application(scheme.verifier))


def _evaluate_foreign(
    scheme: SecurityScheme[Any], evaluate: Evaluate, request: RequestHead
) -> Outcome | DeferredOutcome:
    """Evaluate a scheme or a verifier of the application: in its surroundings, and it may raise."""
    try:
        if request.around is None:
            outcome = evaluate(request)
        else:
            with request.around():
                outcome = evaluate(request)
    except Exception as error:
        if is_passed_on(error):
            raise
        raise _failure(scheme, error) from error
    if not isinstance(outcome, DeferredOutcome):
        return outcome
    return DeferredOutcome(_evaluate_foreign_flow(scheme, request, outcome.flow))


def _evaluate_foreign_flow(scheme: SecurityScheme[Any], request: RequestHead, flow: Flow[Outcome]) -> Flow[Outcome]:
    try:
        with nullcontext() if request.around is None else request.around():
            return (yield from flow)
    except Exception as error:
        if is_passed_on(error):
            raise
        raise _failure(scheme, error) from error


def _failure(scheme: SecurityScheme[Any], error: Exception) -> StoreUnavailable:
    """What code of the application raised, as a failure to decide."""
    name = type(scheme if scheme.verifier is None else scheme.verifier).__name__
    return StoreUnavailable(f"{name} raised {type(error).__name__}")


def as_outage(error: AuthmwError) -> Unavailable:
    """`error` as a failure to decide. Who authenticates asks a store nothing that it answers by an exception."""
    if isinstance(error, Unavailable):
        return error
    failure = StoreUnavailable(f"{type(error).__name__} was raised")
    failure.__cause__ = error
    return failure


def _evaluate_ways(
    reading: tuple[Way, ...],
    others: tuple[Way, ...],
    evaluators: dict[SecurityScheme[Any], Evaluate],
    request: RequestHead,
) -> Flow[Outcome]:
    """The first way with a verdict decides. Each scheme is evaluated once. A dead cookie is no verdict.

    If the ``Authorization`` header has credentials for a scheme of `reading`, nothing else of the request replaces
    them: `others` are not tried.
    """
    known: dict[SecurityScheme[Any], Outcome] = {}
    unrecognised: Unrecognised | None = None
    dead: DeadCookie | None = None
    for way in (*reading, None, *others):
        if way is None:
            if unrecognised is not None and any(_presents(each, known, request) for way in reading for each in way):
                return unrecognised
            continue
        outcome = yield from _evaluate_way(way, known, evaluators, request)
        if isinstance(outcome, tuple):
            return outcome if dead is None else _and_clearing(outcome, _clearing_in(known, evaluators))
        if isinstance(outcome, DeadCookie):
            dead = dead or outcome
        else:
            unrecognised = outcome if unrecognised is None else unrecognised.beside(outcome)
    if unrecognised is not None or dead is None:
        return unrecognised
    return DeadCookie(dead.rejected, dead.scheme, _clearing_in(known, evaluators))


def _clearing_in(
    known: dict[SecurityScheme[Any], Outcome], schemes: Iterable[SecurityScheme[Any]]
) -> tuple[tuple[str, str], ...]:
    """The headers that clear each cookie that is dead for every scheme of `schemes` which reads a cookie of its name.

    A scheme that was not asked may know it, and one that has refused it may find it good later.
    """
    clearing, kept = list[tuple[str, str]](), set[str]()
    for scheme in schemes:
        if not scheme.in_cookie:
            continue
        outcome = known.get(scheme)
        headers = outcome.clearing if isinstance(outcome, DeadCookie) else ()
        clearing += headers
        kept |= cookies_set_by(scheme.clearing(_DEAD)) - cookies_set_by(headers)
    return tuple(each for each in dict.fromkeys(clearing) if cookies_set_by([each]).isdisjoint(kept))


_DEAD: Final = Rejected(Reason.TOKEN_UNKNOWN)
"""What a scheme is asked about for the headers that clear its cookie."""


def _and_clearing(decided: Decided, clearing: tuple[tuple[str, str], ...]) -> Decided:
    verdict, scheme = decided
    if not clearing:
        return decided
    headers = (*verdict.headers, *clearing)
    if isinstance(verdict, Rejected):
        return replace(verdict, headers=headers), scheme
    return Authenticated(verdict.principal, headers=headers, validities=verdict.validities), scheme


def _evaluate_way(
    way: Way,
    known: dict[SecurityScheme[Any], Outcome],
    evaluators: dict[SecurityScheme[Any], Evaluate],
    request: RequestHead,
) -> Flow[Outcome]:
    """All schemes of `way` have to succeed. The last one names the principal."""
    headers: tuple[tuple[str, str], ...] = ()
    validities: tuple[Validity, ...] = ()
    decided: Decided | None = None
    for scheme in way:
        if scheme not in known:
            found = evaluators[scheme](request)
            known[scheme] = (yield from found.flow) if isinstance(found, DeferredOutcome) else found
        outcome = known[scheme]
        if len(way) == 1:
            return outcome
        if not isinstance(outcome, tuple):
            # Without one part the others prove nothing. So credentials for any part count as unrecognised, but a cookie
            # counts as absent.
            if isinstance(outcome, Unrecognised):
                return outcome
            extracted = (_extracted(other, request) for other in way if not other.in_cookie)
            return next((Unrecognised(other) for other in extracted if other is not None), outcome)
        verdict, _ = outcome
        if isinstance(verdict, Rejected):
            return outcome
        headers += verdict.headers
        validities += each_of(verdict.validities, verdict.principal.expires_at) or until_expiry(verdict.principal)
        decided = Authenticated(verdict.principal, headers=headers, validities=validities), scheme
    return decided


def until_expiry(principal: Principal, clock: Callable[[], float] = now) -> tuple[Validity, ...]:
    """The validity of credentials whose verifier says nothing about it: until they expire, by `clock`."""
    expires_at: object = principal.expires_at  # a function of the application may have set it
    if type(expires_at) not in (int, float) or isnan(cast("float", expires_at)):
        return ()
    return (Validity(cast("float", expires_at), clock),)


def _presents(scheme: SecurityScheme[Any], known: dict[SecurityScheme[Any], Outcome], request: RequestHead) -> bool:
    """Whether the ``Authorization`` header has credentials for `scheme`."""
    if not scheme.in_authorization:
        return False
    return known[scheme] is not None if scheme in known else _extracted(scheme, request) is not None


def _extracted(scheme: SecurityScheme[Any], request: RequestHead) -> object:
    """What `scheme` extracts. Outside of `_evaluate_foreign`, too, a scheme of the application may raise."""
    if not is_of_application(scheme):
        return scheme.extract(request)
    try:
        with nullcontext() if request.around is None else request.around():
            return scheme.extract(request)
    except Exception as error:
        if is_passed_on(error):
            raise
        raise _failure(scheme, error) from error


def _outcome_of(verdict: object, credentials: object, scheme: SecurityScheme[Any]) -> Outcome:
    """The outcome of the result of a verifier.

    Raises:
        FlowError: the result is no verdict. True or a principal, for example, is no proof.
    """
    if isinstance(verdict, Authenticated):
        principal: Any = verdict.principal
        if not isinstance(principal, Principal) or not principal.is_authenticated:
            raise FlowError(f"{type(scheme.verifier).__name__}.verify authenticated nobody: answer Rejected or None")
        return verdict, scheme
    if isinstance(verdict, Rejected):
        return DeadCookie(verdict, scheme) if scheme.in_cookie else (verdict, scheme)
    if verdict is None:
        if scheme.in_cookie:
            return DeadCookie(Rejected(Reason.SCHEME_UNSUPPORTED, "a cookie of another kind"), scheme)
        return Unrecognised(credentials, (scheme, credentials))
    raise FlowError(f"{type(scheme.verifier).__name__}.verify answered neither Authenticated, Rejected nor None")
