"""`Auth`, the engine: schemes with their verifiers, and every decision about a request.

Middleware and adapters hold no policy; they carry out what is decided here. The rules:

1. A scheme that finds no credentials is skipped. A verifier that does not know the credentials returns None, and the
   next alternative is evaluated.
2. The first verdict decides. A rejected credential is refused: neither another alternative nor anonymous access
   replaces it.
3. Credentials that no verifier knows are refused too.
4. A store that fails ends the request with a 503: never with a 401, and never with a success.
5. A request that contradicts itself is a 400, for example one with two ``Authorization`` headers (RFC 9110 §5.3).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from authmw.engine import audit
from authmw.engine.authentication import Authentication, DeferredOutcome, Outcome, evaluator_of
from authmw.engine.remembered import Memo
from authmw.errors import ConfigurationError, FlowError, Unavailable
from authmw.flow.flow import STORE_TIMEOUT, run, run_async
from authmw.flow.pool import WorkPool, default_pool
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.http.refusal import ALLOWED, Body, Decision, Refusal
from authmw.http.request import RequestHead
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import Requirement, predicate_name
from authmw.identity.scopes import scope_mistakes
from authmw.identity.verdict import Authenticated, Rejected
from authmw.schemes.base import Alternatives, OneOf, SecurityScheme

if TYPE_CHECKING:
    from authmw.engine.protected_resource import ProtectedResource


class Auth:
    """The schemes by which a request may authenticate, and the form of refusals.

    Args:
        accept: a scheme, or several combined by ``|`` (one of these) and ``&`` (all of these at once).
        realm: the protection space named in challenges (RFC 9110 §11.5): printable ASCII.
        remember: number of verified tokens that are remembered, by their SHA-256, until they expire; 0 for none.
        render: makes the body of refusals. It cannot change the status and the challenges.
        scopes: the scopes of the application, each with its meaning in words, for documents and their pages.
        resource: the metadata of this API, for clients without a token (RFC 9728). Challenges name its URL.
        pool: the thread pool that hashes passwords.
        store_timeout: seconds that a store may take under ASGI; after them the response is a 503.
        clock: returns the time in seconds since the epoch.

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
        scopes: Mapping[str, str] | None = None,
        resource: ProtectedResource | None = None,
        pool: WorkPool = default_pool,
        store_timeout: float = STORE_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check(accept, realm, remember, scopes, resource)
        self.accept = accept
        self.realm = realm
        self.schemes: tuple[SecurityScheme[Any], ...] = accept.schemes
        self.scopes: dict[str, str] = dict(scopes or {})
        self.resource: ProtectedResource | None = None if resource is None else resource.with_scopes(self.scopes)
        self.vary: str = ", ".join(_vary(self.schemes))
        self._evaluate = evaluator_of(accept)
        self._reads_authorization = any(scheme.in_authorization for scheme in self.schemes)
        self.render: Callable[[Refusal], Body] | None = render
        self._pool = pool
        self._store_timeout = store_timeout
        for scheme in self.schemes:
            scheme.bind(realm)
        # Only results of the first alternative are remembered: no other alternative can decide before it (rule 2).
        self._first: Alternatives = accept.parts[0] if isinstance(accept, OneOf) else accept
        self.memo: Memo | None = _memo(self._first, remember, clock)
        """Cache of verified ``Authorization`` values; None where nothing is remembered."""

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        """Authenticate `request`, under WSGI or anywhere else without an event loop."""
        version = None if self.memo is None else self.memo.version
        try:
            outcome = self._outcome(request)
            if isinstance(outcome, DeferredOutcome):
                outcome = run(outcome.flow, pool=self._pool)
        except Unavailable as error:
            return self._unavailable(error, request)
        return self._conclude(outcome, request, version)

    async def authenticate_async(self, request: RequestHead) -> Authentication | Refusal:
        """Authenticate `request` on an event loop."""
        version = None if self.memo is None else self.memo.version
        try:
            outcome = self._outcome(request)
            if isinstance(outcome, DeferredOutcome):
                outcome = await run_async(outcome.flow, pool=self._pool, store_timeout=self._store_timeout)
        except Unavailable as error:
            return self._unavailable(error, request)
        return self._conclude(outcome, request, version)

    def _outcome(self, request: RequestHead) -> Outcome | DeferredOutcome | Refusal:
        """The outcome of all alternatives."""
        if self._reads_authorization:
            authorization = request.authorization
            if authorization is not None and authorization.duplicate:
                return self._reject(None, Rejected(Reason.AUTHORIZATION_DUPLICATE), request)
        return self._evaluate(request)

    def _conclude(self, outcome: Outcome | Refusal, request: RequestHead, version: Any) -> Authentication | Refusal:
        """The result that follows from `outcome`. `version` is that of the memo before the evaluation."""
        if isinstance(outcome, tuple):
            verdict, scheme = outcome
            if isinstance(verdict, Rejected):
                return self._reject(scheme, verdict, request)
            return self._accept(verdict, scheme, request, version)
        if isinstance(outcome, Refusal):
            return outcome
        if outcome is not None and all(scheme.verifier is None for scheme in self.schemes):
            return Authentication(ANONYMOUS, credentials=outcome.credentials)
        presented = outcome is not None or (self._reads_authorization and request.authorization is not None)
        return Authentication(ANONYMOUS, presented=presented)

    def _accept(
        self, verdict: Authenticated, scheme: SecurityScheme[Any], request: RequestHead, version: Any
    ) -> Authentication:
        authentication = Authentication(verdict.principal.authenticated_by(scheme.name), scheme, verdict.headers)
        if (
            self.memo is not None
            and verdict.remember_until is not None
            and scheme is self._first
            and not verdict.headers
        ):
            header = request.header("authorization")
            if header is not None and header.isascii():
                until, holds = verdict.remember_until, verdict.still_holds
                self.memo.remember(header.encode(), authentication, until, version, holds)
        return authentication

    def forget(self, *, principal: str = "", credential: str = "", client: str = "") -> None:
        """Drop the remembered results of a principal, a credential (``jti``) or a client, after a revocation."""
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
            authentication: the result of `authenticate`.
            requirement: the requirement of the operation.
            request: the request, for the predicates and the log.
            principal: the principal that has to meet it; by default the authenticated one.
        """
        principal = authentication.principal if principal is None else principal
        if not principal.is_authenticated:
            if requirement.is_open:
                return ALLOWED
            reason = Reason.SCHEME_UNSUPPORTED if authentication.presented else Reason.CREDENTIALS_MISSING
            return self._refuse(reason, request, principal, scopes=requirement.all_scopes)
        missing = requirement.missing(principal.scopes)
        if missing:
            rejected = Rejected(Reason.SCOPE_MISSING)
            scopes = requirement.all_scopes
            # RFC 6750 §3.1 and RFC 9449 §7.1 define insufficient_scope; other schemes have no parameter for scopes.
            scheme = authentication.scheme
            challenges = self._challenges(scheme, rejected=rejected, scopes=scopes) if scheme else ()
            challenges = tuple(challenge for challenge in challenges if challenge.scheme in ("Bearer", "DPoP"))
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
            raise FlowError(f"the predicate {predicate_name(predicate)} returns True or False, not {type(answer)}")
        audit.allowed(principal, request)
        return ALLOWED

    def _reject(self, scheme: SecurityScheme[Any] | None, rejected: Rejected, request: RequestHead) -> Refusal:
        challenges = tuple(
            challenge
            for each in self.schemes
            for challenge in self._challenges(each, rejected=rejected if scheme is None or each is scheme else None)
        )
        if rejected.reason in (Reason.TOO_MANY_ATTEMPTS, Reason.CROSS_SITE):
            challenges = ()  # other credentials would not change the decision
        return self._refuse(
            rejected.reason,
            request,
            ANONYMOUS,
            challenges=challenges,
            retry_after=rejected.retry_after,
            detail=rejected.detail,
            headers=rejected.headers,
        )

    def _challenges(
        self, scheme: SecurityScheme[Any], *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()
    ) -> tuple[Challenge, ...]:
        challenges = scheme.challenges(self.realm, rejected=rejected, scopes=scopes)
        return challenges if self.resource is None else tuple(map(self.resource.named_in, challenges))

    def _unavailable(self, error: Unavailable, request: RequestHead) -> Refusal:
        audit.unavailable(error, request)
        return Refusal(
            Reason.UNAVAILABLE, retry_after=error.retry_after, vary=self.vary, detail=str(error), render=self.render
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
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Refusal:
        if challenges is None:
            challenges = tuple(
                challenge for scheme in self.schemes for challenge in self._challenges(scheme, scopes=scopes)
            )
        refusal = Refusal(reason, challenges, scopes, missing, retry_after, self.vary, detail, self.render, headers)
        audit.refused(refusal, principal, request)
        return refusal


def _vary(schemes: tuple[SecurityScheme[Any], ...]) -> dict[str, None]:
    """The names of the request headers that responses depend on, each once."""
    return dict.fromkeys(name for scheme in schemes for name in scheme.vary.split(", ") if name)


def _memo(first: Alternatives, size: int, clock: Callable[[], float]) -> Memo | None:
    """The cache for results of `first`; None where they must not be remembered, or where that saves nothing."""
    scheme = first.schemes[0]
    if not size or scheme is not first or not scheme.in_authorization or not hasattr(scheme.verifier, "version"):
        return None
    return Memo(size, clock, scheme.verifier)


def _check(accept: object, realm: object, remember: object, scopes: object, resource: object) -> None:
    mistakes: list[str] = scope_mistakes(scopes)
    if not isinstance(accept, Alternatives):
        mistakes.append(f"Auth({accept!r}) accepts schemes: write Auth(HTTPBearer(...)) or Auth(a | b)")
    else:
        # Two schemes of one name would overwrite each other in the OpenAPI document.
        last = {scheme.name: scheme for scheme in accept.schemes}
        mistakes += [
            f"two schemes are named {name}: give one of them a name of its own, {name}(..., name=...)"
            for name in sorted({each.name for each in accept.schemes if each is not last[each.name]})
        ]
    if not isinstance(realm, str) or not realm or not realm.isascii() or not realm.isprintable():
        mistakes.append(f"realm={realm!r} has to be printable ASCII and not empty: it stands in a header")
    if type(remember) is not int or remember < 0:
        mistakes.append("remember= is the number of verified tokens that are kept: write an int, 0 for none")
    if resource is not None and not hasattr(resource, "named_in"):
        mistakes.append(
            "resource= describes this API: ProtectedResource('https://api.example', ['https://id.example'])"
        )
    if mistakes:
        raise ConfigurationError(*mistakes)
