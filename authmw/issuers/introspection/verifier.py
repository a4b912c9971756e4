"""Verifier of bearer tokens by introspection: it asks the authorization server that issued them (RFC 7662)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final

from authmw.crypto.claims import MAX_LEEWAY
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.breaker import Breaker
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow
from authmw.flow.single_flight import SingleFlight
from authmw.http.location import Location, mistake_in_url
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.principal import Principal, PrincipalKind
from authmw.identity.validity import Validity
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.audience import Audience, audiences_in
from authmw.issuers.fetching.fetch import AnswerRefused, Fetcher, FetchFailed
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.introspection.answer import AnswerRules, issuance_of, members_of
from authmw.issuers.introspection.api_credentials import ApiCredentials, SecretMethod
from authmw.issuers.introspection.endpoint import DiscoveredEndpoint, Endpoint
from authmw.issuers.issuer import Issuer
from authmw.issuers.profiles import Profile, checked_profile
from authmw.verifiers.binding import refuse_sender
from authmw.verifiers.jwt import ScopeClaim

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

LONGEST_KEPT: Final = 300.0
"""The longest time in seconds for which an answer is kept. A revoked token may be accepted for that time."""
LONGEST_REFUSED: Final = 5.0
"""The longest time in seconds for which it is kept that a token is not active, or that it is refused here."""
_MOST_REFUSED: Final = 4096
"""The most tokens of which that is kept. They have bounds of their own: made-up tokens evict no active one."""


@explains_arguments('IntrospectionVerifier("https://...", audience="...", client_id="...", client_secret=...)')
class IntrospectionVerifier:
    """Verifies bearer tokens, opaque ones and JWTs, by a request to their authorization server.

    The answer "active" is kept, keyed by the SHA-256 of the token, until the token expires and at most for `keep`
    seconds. In this time a revoked token is still accepted, unless `revocations` knows the revocation. That a token is
    not active, or is not for this API, is kept for 5 seconds at most. Any failure of the request is a 503 and never a
    success, and is not kept; while the server is silent, one request at a time tries, and the others are a 503 at once.
    Nothing is fetched before the first token.

    Args:
        endpoint: the URL of the introspection endpoint; or the `Issuer` whose metadata names it; or a
            `DiscoveredEndpoint`. The latter two are found with the first token.
        audience: the name of this API in ``aud``, or several names. A token without ``aud`` is refused. To accept any
            ``aud``, give the reason: ``AnyAudience("...")``.
        client_id: the id of this API as a client of the authorization server.
        client_secret: the secret of that client.
        method: the place of the secret: ``client_secret_basic`` or ``client_secret_post``.
        bearer: authenticates this API in place of a secret: a token, or a function that returns the current one.
        issuer: the exact ``iss``; None if the server does not send it. If `endpoint` is an `Issuer` or a
            `DiscoveredEndpoint`, an ``iss`` in the response must be a name of that issuer.
        scopes: the members with the scopes, as for `JWTVerifier`.
        kind: the kind of the principals; by default clients if ``sub`` is the ``client_id`` or the profile says so,
            else users.
        profile: the name of a profile or a `Profile`, for the members that name the caller; by default that of
            `endpoint`, if it is an `Issuer`.
        jwts: whether JWTs are introspected too; with False they are left to the next alternative.
        keep: the longest time in seconds that an answer is kept, up to 300; 0 to ask each time. A refusal is kept
            for that time too, up to 5.
        size: the largest number of kept answers; the oldest is dropped first.
        leeway: seconds by which the clock of the server may differ, 60 at most.
        revocations: the feed of revocations, by ``jti``, ``sid``, ``sub`` or ``client_id``.
        fetcher: sends the request; over the network by default, for five seconds at most.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> from authmw import Auth, HTTPBearer
    >>> verifier = IntrospectionVerifier(
    ...     "https://id.example/introspect", client_id="orders-api", client_secret="s3cret", audience="orders"
    ... )
    >>> auth = Auth(HTTPBearer(verifier))
    >>> verifier
    IntrospectionVerifier('https://id.example/introspect', client_id='orders-api')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    expects: ClassVar[str] = "an opaque token"
    """The kind of token that it knows without `jwts`, for the log."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        endpoint: str | Issuer | DiscoveredEndpoint,
        *,
        audience: Audience,
        client_id: str = "",
        client_secret: str = "",
        method: SecretMethod = "client_secret_basic",
        bearer: str | Callable[[], str] = "",
        issuer: str | None = None,
        scopes: ScopeClaim = "scope",
        kind: PrincipalKind | None = None,
        profile: str | Profile | None = None,
        jwts: bool = True,
        keep: Seconds = 30.0,
        size: int = 4096,
        leeway: Seconds = 30.0,
        revocations: RevocationFeed | None = None,
        fetcher: Fetcher | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        audiences, mistakes = audiences_in(audience)
        known, wrong = checked_profile(
            endpoint.profile if profile is None and isinstance(endpoint, Issuer) else profile
        )
        mistakes += wrong
        keep, leeway = seconds(keep, "keep"), seconds(leeway, "leeway")
        mistakes += _mistakes(endpoint, issuer, keep, size, leeway)
        try:
            self._credentials = ApiCredentials.checked(
                client_id=client_id, client_secret=client_secret, method=method, bearer=bearer
            )
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        names = _names(endpoint)
        if isinstance(endpoint, Issuer):
            endpoint = DiscoveredEndpoint(endpoint.issuer, fetcher=fetcher or endpoint.fetcher)
        self._endpoint: Endpoint | DiscoveredEndpoint = Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        self._rules = AnswerRules(audiences, issuer, leeway, scopes, kind, names, known)
        self._jwts = jwts
        self._kept = BoundedCache[bytes, Principal](size, longest=keep, clock=clock)
        self._refused = BoundedCache[bytes, Rejected](
            _MOST_REFUSED if size else 0, longest=min(keep, LONGEST_REFUSED), clock=clock
        )
        self._keep: float = keep
        url = self._endpoint.url if isinstance(self._endpoint, Endpoint) else self._endpoint.issuer
        self._breaker = Breaker(_host(url), is_answer=_is_answer, refusal=FetchFailed)
        self._flights = SingleFlight[Principal | Rejected]()
        self._revocations = revocations
        self._fetcher: Fetcher = fetcher or (
            endpoint.fetcher if isinstance(endpoint, DiscoveredEndpoint) else HTTPFetcher()
        )
        self._clock = clock

    def verify(
        self, credentials: BearerToken | BoundToken, _request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict] | None:
        """The verdict on the token: active, and for this API; None for a JWT if `jwts` is False.

        A token that is bound to a key (``cnf``) is accepted only with a proof by that key (RFC 9449 §7.2).
        """
        token = credentials.token
        if not self._jwts and token.count(".") == 2:
            return None
        if not token:
            return Rejected(Reason.TOKEN_UNKNOWN, "an empty token")  # no server is asked about an empty token
        # The SHA-256 of the whole token: two tokens never share an entry, and no token is kept in memory.
        key = sha256(token.encode("utf-8", "surrogatepass")).digest()
        principal = self._kept.get(key)
        if principal is None:
            return self._refused.get(key) or self._ask(key, credentials)
        verdict = self._conclude(principal, credentials)
        if isinstance(verdict, Rejected) and verdict.reason is Reason.TOKEN_REVOKED:
            self._kept.drop(key)
        return verdict

    def _ask(self, key: bytes, credentials: BearerToken | BoundToken) -> Flow[Verdict]:
        found = yield from Ask[Principal | Rejected](self._introspect_once, key, credentials.token)
        if isinstance(found, Rejected):
            return found
        verdict = self._conclude(found, credentials)
        return verdict if isinstance(verdict, (Authenticated, Rejected)) else (yield from verdict)

    def _conclude(self, principal: Principal, credentials: BearerToken | BoundToken) -> Verdict | Flow[Verdict]:
        """The checks that each request needs, also with a kept answer: the sender of the token, and revocations."""
        refused = refuse_sender(principal.claims, credentials)
        if refused is not None:
            return refused
        expires_at = principal.expires_at
        validities = () if expires_at is None else (Validity(expires_at + self._rules.leeway, self._clock),)
        authenticated = Authenticated(principal, validities=validities)
        if self._revocations is None:
            return authenticated
        return self._revocations.check(issuance_of(principal), authenticated)

    @CallMode.OWN_TIMEOUT  # the fetcher has a deadline of its own
    def _introspect_once(self, key: bytes, token: str) -> Principal | Rejected:
        return self._flights.once(key, lambda: self._introspect(key, token))

    def _introspect(self, key: bytes, token: str) -> Principal | Rejected:
        now = self._clock()
        known = self._kept.get(key) or self._refused.get(key)
        if known is not None:  # another request has got the answer meanwhile
            return known
        self._breaker.admit()
        with self._breaker.watch():
            endpoint = self._endpoint if isinstance(self._endpoint, Endpoint) else self._endpoint.locate()
            answer = self._fetcher.fetch(
                endpoint.url,
                form={"token": token, "token_type_hint": "access_token", **self._credentials.form()},
                headers=self._credentials.headers(),
                public=endpoint.public,
            )
        members = members_of(answer, _host(endpoint.url))
        if members is None:
            refused = Rejected(Reason.TOKEN_UNKNOWN, "the authorization server says that it is not active")
            self._refused.put(key, refused)
            return refused
        principal = self._rules.judge(members, self.scheme, self._clock())
        if isinstance(principal, Rejected):
            if principal.reason is not Reason.TOKEN_NOT_YET_VALID:  # that one may be valid in a second
                self._refused.put(key, principal)
            return principal
        expires_at = inf if principal.expires_at is None else principal.expires_at
        # `keep` counts from the request, not from the response.
        self._kept.put(key, principal, min(expires_at, now + self._keep))
        return principal

    def __repr__(self) -> str:
        endpoint = self._endpoint.url if isinstance(self._endpoint, Endpoint) else self._endpoint.issuer
        return f"IntrospectionVerifier({endpoint!r}, client_id={self._credentials.client_id!r})"


def _names(endpoint: str | Issuer | DiscoveredEndpoint) -> frozenset[str]:
    """Every ``iss`` of the server, if its issuer is known."""
    if isinstance(endpoint, Issuer):
        return endpoint.issuers
    return frozenset() if isinstance(endpoint, str) else frozenset({endpoint.issuer})


def _is_answer(error: BaseException) -> bool:
    """Whether an exception of a request says that the server has answered."""
    return isinstance(error, AnswerRefused)


def _host(url: str) -> str:
    """The server in `url`, for an error message, without the path: that may be secret."""
    return Location.of(url).base


def _mistakes(endpoint: object, issuer: object, keep: float, size: object, leeway: float) -> Iterable[str]:
    if isinstance(endpoint, str):
        if wrong := mistake_in_url(endpoint):
            yield f"the introspection endpoint: {wrong}"
    elif not isinstance(endpoint, Issuer | DiscoveredEndpoint):
        yield f"the introspection endpoint is a URL, an Issuer or a DiscoveredEndpoint, not {type(endpoint).__name__}"
    if issuer == "":
        yield "issuer is empty: give the exact iss, or None where the server does not tell"
    if not 0 <= keep <= LONGEST_KEPT:
        yield f"keep={keep} is how long a revoked token is still taken: give 0 to {LONGEST_KEPT:.0f} seconds"
    if type(size) is not int or size < 0:
        yield "size= is how many answers are kept: a number, 0 for none"
    if not 0 <= leeway <= MAX_LEEWAY:
        yield f"leeway is {leeway} s: give 0 to {MAX_LEEWAY}, and set the clocks by NTP"
