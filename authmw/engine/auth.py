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
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from authmw.engine import audit
from authmw.engine.alternatives import Asking, Attempt, try_of
from authmw.engine.authentication import Authentication
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
    """Who may be trusted: the schemes a request may authenticate by, and how refusals are answered.

    Args:
        accept: a scheme, or several combined by ``|`` (one of these) and ``&`` (all of these at once).
        realm: the protection space named in challenges (RFC 9110 §11.5): printable ASCII.
        remember: how many verified tokens are remembered, by their SHA-256, until they expire; 0 for none.
        render: makes the body of refusals; status and challenges stay ours.
        scopes: the scopes of the application, each with what it means to people: for documents and their pages.
        resource: what clients may know of this API before they have a token (RFC 9728). Challenges name it.
        pool: where passwords are hashed.
        store_timeout: seconds that a store may take to answer under ASGI, before that is a 503.
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
        self._try = try_of(accept)
        self._reads_authorization = any(scheme.in_authorization for scheme in self.schemes)
        self.render: Callable[[Refusal], Body] | None = render
        self._pool = pool
        self._store_timeout = store_timeout
        for scheme in self.schemes:
            scheme.bind(realm)
        # Only the first alternative may be recalled unasked: it is the one that would decide.
        self._first: Alternatives = accept.parts[0] if isinstance(accept, OneOf) else accept
        self.memo: Memo | None = _memo(self._first, remember, clock)
        """What was proved about ``Authorization`` values before; None where nothing is remembered."""

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        """Who is calling, under WSGI or anywhere else without an event loop."""
        version = None if self.memo is None else self.memo.version
        try:
            attempt = self._attempt(request)
            if isinstance(attempt, Asking):
                attempt = run(attempt.flow, pool=self._pool)
        except Unavailable as error:
            return self._unavailable(error, request)
        return self._conclude(attempt, request, version)

    async def authenticate_async(self, request: RequestHead) -> Authentication | Refusal:
        """Who is calling, on an event loop."""
        version = None if self.memo is None else self.memo.version
        try:
            attempt = self._attempt(request)
            if isinstance(attempt, Asking):
                attempt = await run_async(attempt.flow, pool=self._pool, store_timeout=self._store_timeout)
        except Unavailable as error:
            return self._unavailable(error, request)
        return self._conclude(attempt, request, version)

    def _attempt(self, request: RequestHead) -> Attempt | Asking | Refusal:
        """What the request's credentials come to, or the flow that finds out."""
        if self._reads_authorization:
            authorization = request.authorization
            if authorization is not None and authorization.duplicate:
                return self._reject(None, Rejected(Reason.AUTHORIZATION_DUPLICATE), request)
        return self._try(request)

    def _conclude(self, attempt: Attempt | Refusal, request: RequestHead, version: Any) -> Authentication | Refusal:
        """What follows from an attempt. `version` is that of the memo from before it."""
        if isinstance(attempt, tuple):
            verdict, scheme = attempt
            if isinstance(verdict, Rejected):
                return self._reject(scheme, verdict, request)
            return self._accept(verdict, scheme, request, version)
        if isinstance(attempt, Refusal):
            return attempt
        if attempt is not None and all(scheme.verifier is None for scheme in self.schemes):
            return Authentication(ANONYMOUS, credentials=attempt.credentials)
        presented = attempt is not None or (self._reads_authorization and request.authorization is not None)
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
            if requirement.is_open:
                return ALLOWED
            reason = Reason.SCHEME_UNSUPPORTED if authentication.presented else Reason.CREDENTIALS_MISSING
            return self._refuse(reason, request, principal, scopes=requirement.all_scopes)
        missing = requirement.missing(principal.scopes)
        if missing:
            rejected = Rejected(Reason.SCOPE_MISSING)
            scopes = requirement.all_scopes
            # Only the scheme that authenticated is challenged again, and only Bearer and DPoP have words for scopes.
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
            raise FlowError(f"the predicate {predicate_name(predicate)} answers True or False, not {type(answer)}")
        audit.allowed(principal, request)
        return ALLOWED

    def _reject(self, scheme: SecurityScheme[Any] | None, rejected: Rejected, request: RequestHead) -> Refusal:
        challenges = tuple(
            challenge
            for each in self.schemes
            for challenge in self._challenges(each, rejected=rejected if scheme is None or each is scheme else None)
        )
        if rejected.reason in (Reason.TOO_MANY_ATTEMPTS, Reason.CROSS_SITE):
            challenges = ()  # other credentials would not help
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
    """The request headers that answers depend on, each once."""
    return dict.fromkeys(name for scheme in schemes for name in scheme.vary.split(", ") if name)


def _memo(first: Alternatives, size: int, clock: Callable[[], float]) -> Memo | None:
    """The memory of what `first` proves; None where that must not be remembered or is no use."""
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
        mistakes.append("remember= is how many verified tokens are kept: a number, 0 for none")
    if resource is not None and not hasattr(resource, "named_in"):
        mistakes.append(
            "resource= describes this API: ProtectedResource('https://api.example', ['https://id.example'])"
        )
    if mistakes:
        raise ConfigurationError(*mistakes)
