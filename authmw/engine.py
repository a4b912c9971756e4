"""The engine: schemes paired with verifiers, and the rules by which they are asked.

Every decision about a request is made here; middleware and adapters only carry it out. The rules:

1. A scheme that finds nothing is skipped; a verifier that sees credentials of another kind says None, and the next
   alternative is asked.
2. The first verdict decides. A credential that was presented and is bad is refused: it neither falls through to the
   next alternative nor to anonymous.
3. Presented, but nobody's, is refused too.
4. A store that fails stops everything: 503, never 401 and never a success.
5. What contradicts itself, as two ``Authorization`` headers, is a 400.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import GeneratorType
from typing import Any, NamedTuple

from authmw import audit
from authmw.challenge import Challenge
from authmw.errors import ConfigurationError, FlowError, Unavailable
from authmw.flow import Flow, run, run_async
from authmw.memo import Memo
from authmw.pool import WorkPool, default_pool
from authmw.principal import ANONYMOUS, Principal
from authmw.reasons import Reason
from authmw.refusal import ALLOWED, Body, Decision, Refusal
from authmw.request import RequestHead
from authmw.requirement import Requirement, predicate_name
from authmw.schemes.base import Alternatives, SecurityScheme
from authmw.schemes.combined import AllOf, OneOf
from authmw.verdict import Authenticated, Rejected, Verdict


class Authentication(NamedTuple):
    """Who is calling, as far as the credentials prove it. Without credentials the principal is `ANONYMOUS`.

    Args:
        principal: who it is.
        scheme: the scheme that authenticated; None for nobody.
        headers: what the scheme owes the client (``Authentication-Info``).
        presented: a credential was there that no scheme of ours recognised.
        credentials: what a scheme without a verifier extracted. Proof of nothing.
    """

    principal: Principal
    scheme: SecurityScheme[Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    presented: bool = False
    credentials: object = None


class _Found(NamedTuple):
    """What one alternative came to."""

    verdict: Verdict
    scheme: SecurityScheme[Any]


class _Unrecognised(NamedTuple):
    """Credentials that no verifier took for its own."""

    credentials: object


_Attempt = _Found | _Unrecognised | None
"""What one alternative came to; None when it found no credentials."""


class Auth:
    """Who may be trusted: the schemes a request may authenticate by, and how refusals are answered.

    Args:
        accept: a scheme, or several combined by ``|`` (one of these) and ``&`` (all of these at once).
        realm: the protection space named in challenges (RFC 9110 §11.5): printable ASCII.
        remember: how many verified tokens are remembered, by their SHA-256, until they expire; 0 for none.
        render: makes the body of refusals; status and challenges stay ours.
        pool: where passwords are hashed.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None), realm="orders")
    """

    def __init__(
        self,
        accept: Alternatives,
        *,
        realm: str = "app",
        remember: int = 4096,
        render: Callable[[Refusal], Body] | None = None,
        pool: WorkPool = default_pool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check(accept, realm, remember)
        self.accept = accept
        self.realm = realm
        self.schemes: tuple[SecurityScheme[Any], ...] = accept.schemes
        self.vary: str = ", ".join(dict.fromkeys(scheme.vary for scheme in self.schemes if scheme.vary))
        self._alternatives = accept.parts if isinstance(accept, OneOf) else (accept,)
        self._reads_authorization = any(scheme.in_authorization for scheme in self.schemes)
        self._render = render
        self._pool = pool
        for scheme in self.schemes:
            scheme.bind(realm)
        # Only the first alternative may be recalled before the flow: it is the one that would decide.
        first = self._alternatives[0]
        rememberable = isinstance(first, SecurityScheme) and first.in_authorization and remember > 0
        verifier = first.verifier if isinstance(first, SecurityScheme) else None
        self.memo: Memo | None = Memo(remember, clock, verifier) if rememberable else None
        self.recall: Callable[[bytes], Authentication | None] = self.memo.recall if self.memo else _unknown
        """What was proved about an ``Authorization`` value before, if it still holds. Asks nobody."""

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        """Who is calling, under WSGI or anywhere else without an event loop."""
        try:
            return run(self.flow(request), pool=self._pool)
        except Unavailable as error:
            return self._unavailable(error, request)

    async def authenticate_async(self, request: RequestHead) -> Authentication | Refusal:
        """Who is calling, on an event loop."""
        try:
            return await run_async(self.flow(request), pool=self._pool)
        except Unavailable as error:
            return self._unavailable(error, request)

    def flow(self, request: RequestHead) -> Flow[Authentication | Refusal]:
        """The verification of one request, to be driven by `authmw.flow.run` or `run_async`."""
        presented = False
        if self._reads_authorization:
            authorization = request.authorization
            if authorization is not None:
                if authorization.duplicate:
                    return self._reject(None, Rejected(Reason.AUTHORIZATION_DUPLICATE), request)
                presented = True
        version = self.memo.version if self.memo is not None else None
        found = yield from _any(self._alternatives, request)
        if isinstance(found, _Found):
            verdict, scheme = found
            if isinstance(verdict, Rejected):
                return self._reject(scheme, verdict, request)
            return self._accept(verdict, scheme, request, version)
        if found is not None and all(scheme.verifier is None for scheme in self.schemes):
            return Authentication(ANONYMOUS, credentials=found.credentials)
        return Authentication(ANONYMOUS, presented=presented or found is not None)

    def _accept(
        self, verdict: Authenticated, scheme: SecurityScheme[Any], request: RequestHead, version: Any
    ) -> Authentication:
        authentication = Authentication(verdict.principal.authenticated_by(scheme.name), scheme, verdict.headers)
        if (
            self.memo is not None
            and verdict.remember_until is not None
            and scheme is self._alternatives[0]
            and not verdict.headers
        ):
            header = request.header("authorization")
            if header is not None and header.isascii():
                self.memo.remember(header.encode(), authentication, verdict.remember_until, version)
        return authentication

    def forget(self, *, principal: str = "", credential: str = "", client: str = "") -> None:
        """Drop what is remembered of a principal, a credential (``jti``) or a client, as after a revocation."""
        if self.memo is not None:
            self.memo.forget(
                lambda known: bool(
                    (principal and known.id == principal)
                    or (credential and known.credential_id == credential)
                    or (client and known.client_id == client)
                )
            )

    def decide(
        self,
        authentication: Authentication,
        requirement: Requirement,
        request: RequestHead,
        *,
        principal: Principal | None = None,
    ) -> Decision:
        """Whether the caller meets `requirement`: `ALLOWED`, or the refusal to answer with.

        Args:
            authentication: what `authenticate` found.
            requirement: what the operation asks for.
            request: for the predicates and the log.
            principal: who has to meet it, when that is not the authenticated one.
        """
        principal = authentication.principal if principal is None else principal
        if not principal.is_authenticated:
            if requirement == _PUBLIC:
                return ALLOWED
            reason = Reason.SCHEME_UNSUPPORTED if authentication.presented else Reason.CREDENTIALS_MISSING
            return self._refuse(reason, request, principal, scopes=requirement.all_scopes)
        missing = requirement.missing(principal.scopes)
        if missing:
            rejected = Rejected(Reason.SCOPE_MISSING)
            scopes = requirement.all_scopes
            # Only the scheme that authenticated is challenged again, and only Bearer has words for scopes.
            scheme = authentication.scheme
            challenges = scheme.challenges(self.realm, rejected=rejected, scopes=scopes) if scheme else ()
            challenges = tuple(challenge for challenge in challenges if challenge.scheme == "Bearer")
            return self._refuse(
                Reason.SCOPE_MISSING, request, principal, challenges=challenges, scopes=scopes, missing=missing
            )
        for predicate in requirement.predicates:
            answer: object = predicate(principal, request)
            if answer is True:
                continue
            if answer is False:
                detail = predicate_name(predicate)
                return self._refuse(Reason.FORBIDDEN, request, principal, challenges=(), detail=detail)
            raise FlowError(f"the predicate {predicate_name(predicate)} answers True or False, not {type(answer)}")
        audit.allowed(principal, request)
        return ALLOWED

    def _reject(self, scheme: SecurityScheme[Any] | None, rejected: Rejected, request: RequestHead) -> Refusal:
        challenges = tuple(
            challenge
            for each in self.schemes
            for challenge in each.challenges(
                self.realm, rejected=rejected if scheme is None or each is scheme else None
            )
        )
        if rejected.reason.status == Reason.TOO_MANY_ATTEMPTS.status:
            challenges = ()
        return self._refuse(
            rejected.reason,
            request,
            ANONYMOUS,
            challenges=challenges,
            retry_after=rejected.retry_after,
            detail=rejected.detail,
        )

    def _unavailable(self, error: Unavailable, request: RequestHead) -> Refusal:
        audit.unavailable(error, request)
        return Refusal(
            Reason.UNAVAILABLE, retry_after=error.retry_after, vary=self.vary, detail=str(error), render=self._render
        )

    def _refuse(
        self,
        reason: Reason,
        request: RequestHead,
        principal: Principal,
        *,
        challenges: tuple[Challenge, ...] | None = None,
        scopes: tuple[str, ...] = (),
        missing: tuple[str, ...] = (),
        retry_after: int | None = None,
        detail: str = "",
    ) -> Refusal:
        if challenges is None:
            challenges = tuple(
                challenge for scheme in self.schemes for challenge in scheme.challenges(self.realm, scopes=scopes)
            )
        refusal = Refusal(reason, challenges, scopes, missing, retry_after, self.vary, detail, self._render)
        audit.refused(refusal, principal, request)
        return refusal


_PUBLIC = Requirement(public=True)


def _unknown(_: bytes) -> None:
    """Recall nothing."""


def _any(alternatives: tuple[Alternatives, ...], request: RequestHead) -> Flow[_Attempt]:
    """The first alternative with a verdict decides."""
    unrecognised: _Unrecognised | None = None
    for alternative in alternatives:
        attempt: _Attempt
        if isinstance(alternative, SecurityScheme):
            credentials = alternative.extract(request)
            if credentials is None:
                continue
            if isinstance(credentials, Rejected):
                return _Found(credentials, alternative)
            verdict: object = None
            if alternative.verifier is not None:
                verdict = alternative.verifier.verify(credentials, request)
                if isinstance(verdict, GeneratorType):
                    verdict = yield from verdict
            attempt = _judged(verdict, credentials, alternative)
        elif isinstance(alternative, AllOf):
            attempt = yield from _all(alternative, request)
        elif isinstance(alternative, OneOf):
            attempt = yield from _any(alternative.parts, request)
        else:
            raise FlowError(f"{type(alternative).__name__} is neither a scheme nor a combination of schemes")
        if isinstance(attempt, _Found):
            return attempt
        unrecognised = unrecognised or attempt
    return unrecognised


def _all(combination: AllOf, request: RequestHead) -> Flow[_Attempt]:
    """All parts have to hold. The last one says who it is."""
    headers: tuple[tuple[str, str], ...] = ()
    found: _Found | None = None
    for part in combination.parts:
        attempt = yield from _any((part,), request)
        if not isinstance(attempt, _Found):
            # With a part missing the others prove nothing: what was presented is nobody's.
            others = (scheme.extract(request) for scheme in combination.schemes)
            return attempt or next((_Unrecognised(other) for other in others if other is not None), None)
        if isinstance(attempt.verdict, Rejected):
            return attempt
        headers += attempt.verdict.headers
        found = _Found(Authenticated(attempt.verdict.principal, headers=headers), attempt.scheme)
    return found


def _judged(verdict: object, credentials: object, scheme: SecurityScheme[Any]) -> _Attempt:
    """What a verifier's answer comes to. Whatever is no verdict, as True or a principal, is no proof."""
    if verdict is None:
        return _Unrecognised(credentials)
    if isinstance(verdict, Rejected):
        return _Found(verdict, scheme)
    if not isinstance(verdict, Authenticated):
        raise FlowError(f"{type(scheme.verifier).__name__}.verify answered neither Authenticated, Rejected nor None")
    if not _is_somebody(verdict.principal):
        raise FlowError(f"{type(scheme.verifier).__name__}.verify authenticated nobody: answer Rejected or None")
    return _Found(verdict, scheme)


def _is_somebody(principal: object) -> bool:
    return isinstance(principal, Principal) and principal.is_authenticated


def _check(accept: object, realm: str, remember: int) -> None:
    mistakes: list[str] = []
    if not isinstance(accept, Alternatives):
        mistakes.append(f"Auth({accept!r}) accepts schemes: write Auth(HTTPBearer(...)) or Auth(a | b)")
    else:
        names = [scheme.name for scheme in accept.schemes]
        doubled = {name for name in names if names.count(name) > 1}
        # Two schemes of one name would overwrite each other in the OpenAPI document.
        same = {id(scheme) for scheme in accept.schemes if scheme.name in doubled}
        mistakes += [
            f"two schemes are named {name}: give one of them a name of its own, {name}(..., name=...)"
            for name in sorted(doubled)
            if len(same) > 1
        ]
    if not realm or not realm.isascii() or not realm.isprintable():
        mistakes.append(f"realm={realm!r} has to be printable ASCII and not empty: it stands in a header")
    if remember < 0:
        mistakes.append("remember= is how many verified tokens are kept: 0 or more")
    if mistakes:
        raise ConfigurationError(*mistakes)
