"""`Auth`, the engine: schemes with their verifiers, and every decision about a request.

Middleware and adapters hold no policy; they carry out what is decided here. The rules:

1. A scheme that finds no credentials is skipped. A verifier that does not know the credentials returns None, and the
   next alternative is evaluated.
2. The first verdict decides. A rejected credential is refused: neither another alternative nor anonymous access
   replaces it. Only a cookie that authenticates nobody counts as absent: a browser sends it without being asked.
3. Credentials in the ``Authorization`` header, of a scheme that is accepted, decide alone, in whatever order the
   alternatives stand; credentials that no verifier knows are refused. An alternative that joins schemes needs all of
   its credentials: a bad API key refuses a good token where ``key & bearer`` is tried before ``bearer``.
4. A store that fails ends the request with a 503: never with a 401, and never with a success.
5. A request that contradicts itself is a 400, for example one with two ``Authorization`` headers (RFC 9110 §5.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self, cast

from authmw.engine import audit
from authmw.engine.auth_arguments import check_arguments
from authmw.engine.authentication import (
    ONLY_PRIVATE,
    PRIVATE,
    Authentication,
    DeadCookie,
    DeferredOutcome,
    Evaluate,
    Outcome,
    as_outage,
    evaluator_of,
    in_order_of_evaluation,
    until_expiry,
)
from authmw.engine.message import MessageHead, takes_tokens_alone
from authmw.errors import (
    AuthmwError,
    ConfigurationError,
    FlowError,
    NoDependency,
    Unavailable,
    explains_arguments,
)
from authmw.flow.application_code import is_of_application
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import STORE_TIMEOUT, run, run_async
from authmw.flow.pool import WorkPool, default_pool
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.http.refusal import ALLOWED, AccessRefused, Decision, Refusal, Render
from authmw.http.request import RequestHead
from authmw.identity.calling import active_call
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import AUTHENTICATED, AnyOf, Requirement, predicate_name
from authmw.identity.step_up import StepUp, strictest
from authmw.identity.verdict import Authenticated, Rejected, Remembered
from authmw.schemes.base import Alternatives, SecurityScheme, Way, reads_authorization_only
from authmw.verifiers.base import says_it_ignores_the_request

if TYPE_CHECKING:
    from authmw.engine.protected_resource import ProtectedResource
    from authmw.engine.remembered import Memo
    from authmw.engine.user_loading import LoadUser, UserLoading
    from authmw.http.login_page import LoginPage

_UNAUTHORIZED: Final = 401

Recall = Callable[[bytes], Authentication | None]


@explains_arguments("Auth(HTTPBearer(...) | APIKeyHeader(...), realm=...)")
class Auth(NoDependency):
    """The schemes by which a request may authenticate, and the form of refusals.

    Args:
        accept: a scheme, or several combined by ``|`` (one of these) and ``&`` (all of these at once).
        realm: the protection space named in challenges (RFC 9110 §11.5): printable ASCII.
        remember: number of verified tokens that are remembered, by their SHA-256, until they expire; 0 for none.
        render: a function of the `Refusal` and the `RequestHead` that makes the body of refusals. It cannot change the
            status and the challenges.
        scopes: the scopes of the application, each with its meaning in words, for documents and their pages.
        resource: the metadata of this API, for clients without a token (RFC 9728). Challenges name its URL.
        reason_pages: the address below which each public code of a refusal has its page, which ends in ``/`` or ``#``.
            The problem document of a refusal has the address of its page as ``type``; without this, ``about:blank``.
        pool: the thread pool that hashes passwords.
        store_timeout: seconds that a store may take under ASGI; after them the response is a 503.
        load_user: a function of the principal, ``def`` or ``async def``, that returns the user object of the
            application, or None. `current_user` calls it, once in a request.
        login: the page to log in at. A browser that opens a page is sent there by a 303 where it would get a 401, with
            the path and the query that it asked for as ``next``; everything else gets the same 401 as without this. A
            path from the root of the host, as ``/login``, or ``/shop/login`` where the application is mounted at
            ``/shop``: the page is public, and what is below it is as closed as any other path. Or an https URL of
            another host.
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
        render: Render | None = None,
        scopes: Mapping[str, str] | None = None,
        resource: ProtectedResource | None = None,
        reason_pages: str = "",
        pool: WorkPool = default_pool,
        store_timeout: Seconds = STORE_TIMEOUT,
        load_user: LoadUser | None = None,
        login: str | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        check_arguments(
            accept,
            realm,
            remember,
            scopes,
            resource,
            reason_pages=reason_pages,
            load_user=load_user,
            login=login,
            render=render,
        )
        self.accept = accept
        self.realm = realm
        self.schemes: tuple[SecurityScheme[Any], ...] = accept.schemes
        self.scopes: dict[str, str] = dict(scopes or {})
        self.resource: ProtectedResource | None = None if resource is None else resource.with_scopes(self.scopes)
        self.reason_pages: str = reason_pages
        self.vary: str = ", ".join(_vary(self.schemes))
        self._takes_tokens_alone = takes_tokens_alone(accept)
        self._reads_authorization = any(scheme.in_authorization for scheme in self.schemes)
        self.render: Render | None = render
        self.login: LoginPage | None = None
        """The login page; None without one."""
        if login is not None:
            from authmw.http.login_page import LoginPage

            self.login = LoginPage(login)
        self._pool = pool
        self._clock = clock
        self._store_timeout: float = seconds(store_timeout, "store_timeout")
        self.load_user: LoadUser | None = load_user
        self.user_loading: UserLoading | None = None
        """Loads the user objects of callers; None without a `load_user`."""
        if load_user is not None:
            from authmw.engine.user_loading import UserLoading

            self.user_loading = UserLoading(load_user, pool, self._store_timeout)
        for scheme in self.schemes:
            scheme.bind(realm)
        self._outcome = self._evaluator(evaluator_of(accept, may_wait=False))
        self._outcome_here = self._evaluator(evaluator_of(accept, may_wait=True))
        reading, others = in_order_of_evaluation(accept)
        self._remembered = _remembered(reading) if _decides_as_auth(type(self)) else ()
        verifiers = [scheme.verifier for scheme in self._remembered]
        self.memo: Memo | None = None
        """Cache of verified ``Authorization`` values; None where nothing is remembered."""
        if verifiers and remember:
            from authmw.engine.remembered import Memo  # loads hashlib

            self.memo = Memo(remember, clock, *verifiers)
        first = _first_alone(reading, others) if _decides_as_auth(type(self)) else None
        self._recalls: SecurityScheme[Any] | None = first if first is not None and _recalls(first) else None
        self.recall_cookies: Recall | None = None
        """Finds the remembered result for a ``Cookie`` header, or None where it takes a closer look at the request.

        It counts for a request without an ``Authorization`` header that is no websocket, by a safe method or where
        ``Sec-Fetch-Site`` says that a page of the application caused it. None where no scheme remembers cookies, or
        where more than the cookie decides.
        """
        if self._recalls is not None and self._recalls.recalls_cookies:
            self.recall_cookies = _recall(self._recalls, self._recalls.recall_cookies, self._kept)
        self.key_header: str = "" if first is None or is_of_application(first) else first.recalls_header
        """The header (lower case) with the key that `recall_key` knows; empty without `recall_key`."""
        self.recall_key: Recall | None = None
        """Finds the result for a value of `key_header`, or None where it takes a closer look at the request.

        It counts for a request that has this header once, and no ``Authorization`` header.
        """
        if first is not None and self.key_header:
            self.recall_key = _recall(first, first.recall_header, self._kept)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, load_user: LoadUser | None = None) -> Self:
        """An `Auth` for bearer tokens of an external issuer, configured by the environment.

        ``AUTHMW_ISSUER`` and ``AUTHMW_AUDIENCE`` are needed; ``AUTHMW_PROFILE``, ``AUTHMW_REALM``,
        ``AUTHMW_METADATA_URL`` and ``AUTHMW_JWKS_URI`` are the arguments of `Issuer`. With ``AUTHMW_CLIENT_ID`` and
        ``AUTHMW_CLIENT_SECRET`` tokens are introspected (RFC 7662), at ``AUTHMW_INTROSPECTION_ENDPOINT`` or where the
        metadata of the issuer says. ``AUTHMW_CLIENT_SECRET_FILE`` names a file with the secret. What the environment
        does not have is read from ``authmw.toml``, or from the file that ``AUTHMW_CONFIG`` names.

        Args:
            environ: the environment; that of the process unless given.
            load_user: returns the user object of the application, as for the constructor.

        Raises:
            ConfigurationError: every mistake at once: what is missing, what is wrong, and names that are no setting.

        >>> Auth.from_env({"AUTHMW_ISSUER": "https://id.example", "AUTHMW_AUDIENCE": "orders"}).realm
        'app'
        """
        # By name: the engine does not know the rooms that make an Auth from settings.
        auth: Self = import_module("authmw.local.external").external_auth(cls, environ, load_user)
        return auth

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        """Authenticate `request`, under WSGI or anywhere else without an event loop."""
        known = None if self._recalls is None else self._recalled(self._recalls, request)
        if known is not None:
            return known
        version = None
        if self.memo is not None:
            known = self.memo.recall_other_spelling(request.authorization_text)
            if known is not None:
                return known
            version = self.memo.version
        try:
            outcome = self._outcome_here(request)
            if isinstance(outcome, DeferredOutcome):
                outcome = run(outcome.flow, pool=self._pool, around=request.around)
        except (FlowError, AccessRefused):
            raise
        except AuthmwError as error:
            return self.unavailable(as_outage(error), request)
        return self._conclude(outcome, request, version)

    async def authenticate_async(self, request: RequestHead) -> Authentication | Refusal:
        """Authenticate `request` on an event loop."""
        known = None if self._recalls is None else self._recalled(self._recalls, request)
        if known is not None:
            return known
        version = None
        if self.memo is not None:
            known = self.memo.recall_other_spelling(request.authorization_text)
            if known is not None:
                return known
            version = self.memo.version
        try:
            outcome = self._outcome(request)
            if isinstance(outcome, DeferredOutcome):
                outcome = await run_async(
                    outcome.flow, pool=self._pool, store_timeout=self._store_timeout, thread=request.call_blocking
                )
        except (FlowError, AccessRefused):
            raise
        except AuthmwError as error:
            return self.unavailable(as_outage(error), request)
        return self._conclude(outcome, request, version)

    def verify_token(self, token: object, *scopes: str | AnyOf, requirement: Requirement = AUTHENTICATED) -> Principal:
        """The principal of a bearer token that came in a message, and not in the head of a request.

        Browsers cannot set a header on a websocket, so a client of GraphQL or socket.io sends its token in the first
        message. The token is verified by the same alternatives, with the same log and revocations, as in
        ``Authorization: Bearer`` (RFC 6750 §2.1). Nothing else of the handshake counts as a credential. A token that is
        bound to a key is refused, since a message has no proof (RFC 9449 §7.2). So is a token where a second credential
        is needed beside it (``&``).

        The answer holds for now. To ask again, call this again with the same token. A token that the engine remembers
        costs no signature check and no question to a store, until it expires or is revoked.

        Args:
            token: the token as it came, with or without ``Bearer`` before it. Whatever is no token is refused.
            scopes: the scopes that the operation needs, all of them; of `any_of` one is enough.
            requirement: what else the operation needs, as `requirement_of` answers it. A caller who is not
                authenticated never meets it.

        Raises:
            AccessRefused: the token is bad or missing, or a scope is. `AccessRefused.refusal` has the reason, the
                status, the body and `Refusal.close_code`.
            Unavailable: a store or another service does not answer: the token may be good. See
                `Unavailable.close_code`.
            ConfigurationError: no alternative takes a bearer token alone, or a scope is none.

        >>> from authmw import AccessRefused, HTTPBearer
        >>> auth = Auth(HTTPBearer({"t0ken": Principal("alice", scopes={"orders:read"})}.get))
        >>> auth.verify_token("t0ken", "orders:read").id
        'alice'
        >>> try:
        ...     auth.verify_token("t0ken", "orders:write")
        ... except AccessRefused as refused:
        ...     refused.refusal.reason.code, refused.refusal.close_code
        ('authmw.scope-missing', 1008)
        """
        needed = _needed_by(scopes, requirement)
        message = self._message(token)
        found = self._without_verifying(message)
        return self._admitted(self.authenticate(message) if found is None else found, needed, message)

    async def verify_token_async(
        self, token: object, *scopes: str | AnyOf, requirement: Requirement = AUTHENTICATED
    ) -> Principal:
        """As `verify_token`, on an event loop."""
        needed = _needed_by(scopes, requirement)
        message = self._message(token)
        found = self._without_verifying(message)
        return self._admitted(await self.authenticate_async(message) if found is None else found, needed, message)

    def _message(self, token: object) -> MessageHead:
        if not self._takes_tokens_alone:
            raise ConfigurationError(
                "verify_token() verifies a bearer token that comes alone: let the Auth accept HTTPBearer(...), or "
                "another scheme of bearer tokens, as one alternative"
            )
        call = active_call()
        return MessageHead(token, None if call is None else call.request)

    def _without_verifying(self, message: MessageHead) -> Authentication | Refusal | None:
        """The remembered result, or the refusal of what is no token; None where the token has to be verified."""
        if message.malformed is not None:
            return self._reject(None, message.malformed, message)
        header = message.header("authorization")
        return self.memo.recall(header.encode()) if self.memo is not None and header is not None else None

    def _admitted(self, found: Authentication | Refusal, needed: Requirement, message: MessageHead) -> Principal:
        """The principal of `message`, if it meets what is needed."""
        decision = found if isinstance(found, Refusal) else self.decide(found, needed, message)
        if decision is ALLOWED and isinstance(found, Authentication):
            return found.principal
        refusal = cast("Refusal", decision)
        if refusal.reason is Reason.UNAVAILABLE:
            error = Unavailable("the token of a message cannot be verified now: the log authmw.audit has the reason")
            error.retry_after = refusal.retry_after or error.retry_after
            raise error
        call = active_call()
        raise AccessRefused(refusal) if call is None else call.refuse(refusal)

    def _recalled(self, scheme: SecurityScheme[Any], request: RequestHead) -> Authentication | None:
        """The remembered result for a cookie, if no other credentials are tried before it (rule 3)."""
        if self._reads_authorization and request.authorization is not None:
            return None
        known = scheme.recall(request)
        return None if known is None else self._kept(known, scheme)

    def _evaluator(self, evaluate: Evaluate) -> Callable[[RequestHead], Outcome | DeferredOutcome | Refusal]:
        """`evaluate`, after a look for two credentials in ``Authorization``. A scheme that is alone looks itself."""
        alone = self.schemes[0] is self.accept and reads_authorization_only(self.schemes[0])
        if alone or not self._reads_authorization:
            return evaluate

        def evaluate_one(request: RequestHead) -> Outcome | DeferredOutcome | Refusal:
            authorization = request.authorization
            if authorization is not None and authorization.duplicate:
                return self._reject(None, Rejected(Reason.AUTHORIZATION_DUPLICATE), request)
            return evaluate(request)

        return evaluate_one

    def _conclude(self, outcome: Outcome | Refusal, request: RequestHead, version: Any) -> Authentication | Refusal:
        """The result that follows from `outcome`. `version` is that of the memo before the evaluation."""
        if isinstance(outcome, tuple):
            verdict, scheme = outcome
            if isinstance(verdict, Rejected):
                return self._reject(scheme, verdict, request)
            if type(verdict) is Remembered:
                return self._kept(verdict, scheme)
            authentication = self._authentication(verdict, scheme)
            if self.memo is not None and verdict.remember_until is not None:
                self._remember(self.memo, authentication, verdict, request, version)
            return authentication
        if isinstance(outcome, Refusal):
            return outcome
        if isinstance(outcome, DeadCookie):
            presented = self._reads_authorization and request.authorization is not None
            headers = (*outcome.clearing, PRIVATE)
            return Authentication(ANONYMOUS, headers=headers, presented=presented, dead_cookie=outcome)
        if outcome is not None and all(scheme.verifier is None for scheme in self.schemes):
            return Authentication(ANONYMOUS, credentials=outcome.credentials)
        refused = None if outcome is None else outcome.refused_token()
        if refused is not None:
            return self._reject(*refused, request)
        presented = outcome is not None or (self._reads_authorization and request.authorization is not None)
        return Authentication(ANONYMOUS, presented=presented)

    def _remember(
        self, memo: Memo, authentication: Authentication, verdict: Authenticated, request: RequestHead, version: Any
    ) -> None:
        if authentication.scheme not in self._remembered or verdict.headers or verdict.remember_until is None:
            return
        header = request.header("authorization")
        if header is not None and header.isascii():
            memo.remember(header.encode(), authentication, verdict.remember_until, version, verdict.still_holds)

    def _kept(self, verdict: Remembered, scheme: SecurityScheme[Any]) -> Authentication:
        """The result of a verdict that is remembered. It is kept, since making it costs more than finding it."""
        made: Authentication | None = verdict.result
        if made is None or made.scheme is not scheme:  # a verifier may belong to several schemes
            verdict.result = made = self._authentication(verdict, scheme)
        return made

    def _authentication(self, verdict: Authenticated, scheme: SecurityScheme[Any]) -> Authentication:
        principal, _, headers, _, validities = verdict
        if not scheme.in_authorization:
            headers = (*headers, PRIVATE) if headers else ONLY_PRIVATE
        if principal.scheme != scheme.name:
            principal = principal.authenticated_by(scheme.name)
        if not validities and principal.expires_at is not None:
            validities = until_expiry(principal, self._clock)
        return Authentication(principal, scheme, headers, False, None, None, validities)

    def forget(self, *, principal: str = "", credential: str = "", client: str = "") -> None:
        """Drop the remembered results of a principal, a credential (``jti``) or a client, after a revocation."""
        if self.memo is not None:
            self.memo.forget(principal=principal, credential=credential, client=client)

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
            dead, scopes = authentication.dead_cookie, requirement.all_scopes
            headers = () if dead is None else dead.clearing
            if authentication.presented or dead is None:
                reason = Reason.SCHEME_UNSUPPORTED if authentication.presented else Reason.CREDENTIALS_MISSING
                return self._refuse(reason, request, principal, scopes=scopes, headers=headers)
            reason, detail = dead.rejected.reason, dead.rejected.detail
            return self._refuse(reason, request, principal, scopes=scopes, detail=detail, headers=headers)
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
            if isinstance(predicate, StepUp):
                continue
            answer: object = predicate(principal, request)
            if answer is True:
                continue
            if answer is False:
                detail = predicate_name(predicate)
                return self._refuse(Reason.FORBIDDEN, request, principal, challenges=(), detail=detail)
            raise FlowError(f"the predicate {predicate_name(predicate)} returns True or False, not {type(answer)}")
        if requirement.predicates:  # last: another login helps only who may do this
            unmet = [each for each in requirement.step_ups if not each.is_met(principal, self._clock())]
            if unmet:
                return self._step_up(strictest(unmet), request, principal)
        audit.allowed(principal, request)
        return ALLOWED

    @property
    def decides_by_scopes(self) -> bool:
        """Whether `decide` lets a caller in who has all scopes, where nothing else is required: it is not replaced."""
        return type(self).decide is _DECIDE and "decide" not in vars(self)

    def _step_up(self, needed: StepUp, request: RequestHead, principal: Principal) -> Refusal:
        """The refusal of a caller who has to log in again (RFC 9470 §3)."""
        rejected = Rejected(Reason.AUTHENTICATION_INSUFFICIENT)
        challenges = tuple(
            Challenge(each.scheme, (*each.params, *needed.params))
            if ("error", rejected.reason.error) in each.params
            else each
            for scheme in self.schemes
            for each in self._challenges(scheme, rejected=rejected)
        )
        # Where the login does not say its time, another one does not either: the browser would go around in a circle.
        again = principal.auth_time is not None
        return self._refuse(
            rejected.reason, request, principal, challenges=challenges, detail=str(needed), to_login=again, again=again
        )

    def reject(self, authentication: Authentication, rejected: Rejected, request: RequestHead) -> Refusal:
        """The refusal of a caller who was authenticated, and whose credentials turn out to be nobody's any more."""
        return self._reject(authentication.scheme, rejected, request)

    def _reject(self, scheme: SecurityScheme[Any] | None, rejected: Rejected, request: RequestHead) -> Refusal:
        challenges = tuple(
            challenge
            for each in self.schemes
            for challenge in self._challenges(each, rejected=rejected if scheme is None or each is scheme else None)
        )
        if rejected.reason in (Reason.TOO_MANY_ATTEMPTS, Reason.ACCOUNT_THROTTLED):
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

    def unavailable(self, error: Unavailable, request: RequestHead, *, reached: bool = False) -> Refusal:
        """The 503 of a request for which a store or another service could not answer. It is logged.

        Args:
            error: why there is no answer.
            request: the request.
            reached: whether the application was reached. It may have read the body, in which nobody knows the
                credentials, so neither its text nor a traceback is logged.
        """
        text = audit.unavailable(error, request, None if reached else self.schemes)
        return Refusal(
            Reason.UNAVAILABLE,
            retry_after=error.retry_after,
            vary=self.vary,
            detail=text,
            render=self.render,
            pages=self.reason_pages,
            request=request,
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
        to_login: bool = True,
        again: bool = False,
    ) -> Refusal:
        if challenges is None:
            challenges = tuple(
                challenge for scheme in self.schemes for challenge in self._challenges(scheme, scopes=scopes)
            )
        login = ""
        if self.login is not None and to_login and reason.status == _UNAUTHORIZED:
            login = self.login.url_for(request, reauthenticate=again)
        refusal = Refusal(
            reason,
            challenges,
            scopes,
            missing,
            retry_after,
            self.vary,
            detail,
            self.render,
            headers,
            self.reason_pages,
            request,
            login,
        )
        audit.refused(refusal, principal, request)
        return refusal


_DECIDE: Final = Auth.decide


def _needed_by(scopes: tuple[str | AnyOf, ...], requirement: object) -> Requirement:
    """What a message needs: authentication in any case."""
    if not isinstance(requirement, Requirement):
        raise ConfigurationError(
            f"requirement={requirement!r} is no Requirement: name scopes as arguments after the token, or pass "
            "requirement_of(view) of a function that declares what it needs"
        )
    needed = Requirement.all_of(*scopes) if scopes else AUTHENTICATED
    return needed if requirement is AUTHENTICATED else needed & requirement


def _vary(schemes: tuple[SecurityScheme[Any], ...]) -> dict[str, None]:
    """The names of the request headers that responses depend on, each once."""
    return dict.fromkeys(name for scheme in schemes for name in scheme.vary.split(", ") if name)


def _remembered(reading: tuple[Way, ...]) -> tuple[SecurityScheme[Any], ...]:
    """The schemes whose results are remembered.

    A result counts for every request with the same ``Authorization``, so nothing else of a request may decide it: not
    in the scheme, and not in one that is tried before it and reads credentials of the same name.

    Args:
        reading: the ways that read the header, in the order in which they are tried.
    """
    found: list[SecurityScheme[Any]] = []
    looking: set[str] = set()
    for scheme, *beside in reading:
        if beside or not reads_authorization_only(scheme):
            break
        verifier, name = scheme.verifier, scheme.auth_type.lower()
        if not says_it_ignores_the_request(verifier) or not hasattr(verifier, "version"):
            looking.add(name)
        elif name not in looking:
            found.append(scheme)
    return tuple(found)


def _first_alone(reading: tuple[Way, ...], others: tuple[Way, ...]) -> SecurityScheme[Any] | None:
    """The scheme that decides first where there is no ``Authorization`` header, if it needs no other beside it.

    None if a way that reads the header may decide without it: by another credential that it needs beside, or since a
    scheme of the application extracts in its own way.
    """
    if not others or len(others[0]) > 1 or not all(map(_needs_authorization, chain.from_iterable(reading))):
        return None
    return next(iter(others[0]))


def _needs_authorization(scheme: SecurityScheme[Any]) -> bool:
    """Whether `scheme` finds no credentials where there is no ``Authorization`` header."""
    is_ours = not is_of_application(type(scheme).extract) and "extract" not in vars(scheme)
    return scheme.in_authorization and is_ours


def _recalls(scheme: SecurityScheme[Any]) -> bool:
    """Whether the scheme, whose credentials are in a cookie, remembers what it verified."""
    ours: Any = SecurityScheme
    return scheme.in_cookie and type(scheme).recall is not ours.recall


def _recall(
    scheme: SecurityScheme[Any],
    find: Callable[[bytes], Remembered | None],
    make: Callable[[Remembered, SecurityScheme[Any]], Authentication],
) -> Recall:
    """A function that makes the result of the verdict that `find` knows for the value of a header of `scheme`."""

    def recall(value: bytes) -> Authentication | None:
        known = find(value)
        if known is None:
            return None
        made: Authentication | None = known.result
        return made if made is not None and made.scheme is scheme else make(known, scheme)

    return recall


def _decides_as_auth(kind: type[Auth]) -> bool:
    """Whether no subclass has its own way to authenticate, which a remembered result would leave out."""
    return kind.authenticate is Auth.authenticate and kind.authenticate_async is Auth.authenticate_async
