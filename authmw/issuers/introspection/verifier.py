"""Verifies bearer tokens by asking the authorization server that issued them (RFC 7662)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final

from authmw.crypto.claims import MAX_LEEWAY
from authmw.errors import ConfigurationError
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow
from authmw.flow.single_flight import SingleFlight
from authmw.http.location import Location, mistake_in_url
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.principal import Principal, PrincipalKind
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.audience import Audience, audiences_in
from authmw.issuers.fetching.fetch import Fetcher
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.introspection.answer import AnswerRules, issuance_of, members_of
from authmw.issuers.introspection.api_credentials import ApiCredentials, SecretMethod
from authmw.issuers.introspection.endpoint import DiscoveredEndpoint, Endpoint
from authmw.issuers.issuer import Issuer
from authmw.verifiers.binding import refuse_sender
from authmw.verifiers.jwt import ScopeClaim

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

LONGEST_KEPT: Final = 300.0
"""Seconds that an answer may be kept at most: so long would a revoked token be taken."""


class IntrospectionVerifier:
    """Verifies bearer tokens, opaque ones and JWTs alike, by what their authorization server says of them.

    Only that a token is active is kept, by the token's SHA-256, until it expires and no longer than `keep` seconds:
    within those a token that was revoked is still taken, unless `revocations` knows. Whatever goes wrong in between is
    a 503, and never a success. Nothing is asked before the first token comes.

    Args:
        endpoint: the URL of the introspection endpoint; or the `Issuer` in whose metadata it stands, also as a
            `DiscoveredEndpoint`, which is looked for with the first token.
        audience: the name of this API in ``aud``, or several of them; a token without ``aud`` is refused. Otherwise
            say why not: ``AnyAudience("...")``.
        client_id: this API, as a client of the authorization server.
        client_secret: what proves that.
        method: where the secret travels: ``client_secret_basic`` or ``client_secret_post``.
        bearer: authenticates this API in place of a secret: a token, or a function that has the current one.
        issuer: the exact ``iss``; None where the server does not tell. An `Issuer`'s own is looked at where it does.
        scopes: where the scopes are, as for `JWTVerifier`.
        kind: what the principals are; by default clients where ``sub`` is the ``client_id`` or is missing, else users.
        jwts: whether JWTs are asked about too; with False they are left to the next alternative.
        keep: seconds that an answer is kept at most, up to 300; 0 to ask each time.
        size: how many answers are kept; the oldest goes first.
        leeway: seconds by which the server's clock may differ, 60 at most.
        revocations: what was revoked, by ``jti``, ``sid``, ``sub`` or ``client_id``.
        fetcher: asks; over the network by default, for five seconds at most.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: all that is wrong with the arguments.

    >>> from authmw import Auth, HTTPBearer
    >>> verifier = IntrospectionVerifier(
    ...     "https://id.example/introspect", client_id="orders-api", client_secret="s3cret", audience="orders"
    ... )
    >>> auth = Auth(HTTPBearer(verifier))
    >>> verifier
    IntrospectionVerifier('https://id.example/introspect', client_id='orders-api')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The credentials it verifies: what it cannot, no scheme may give it."""
    scheme: str = ""
    """The name of the scheme that principals are authenticated by."""

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
        jwts: bool = True,
        keep: float = 30.0,
        size: int = 4096,
        leeway: float = 30.0,
        revocations: RevocationFeed | None = None,
        fetcher: Fetcher | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        audiences, mistakes = audiences_in(audience)
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
        self._rules = AnswerRules(audiences, issuer, leeway, scopes, kind, names)
        self._jwts = jwts
        self._kept = BoundedCache[bytes, Principal](size, longest=keep, clock=clock)
        self._keep = keep
        self._flights = SingleFlight[Principal | Rejected]()
        self._revocations = revocations
        self._fetcher: Fetcher = fetcher or (
            endpoint.fetcher if isinstance(endpoint, DiscoveredEndpoint) else HTTPFetcher()
        )
        self._clock = clock

    def verify(
        self, credentials: BearerToken | BoundToken, _request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict] | None:
        """Whether the token is active, and for this API; None for a JWT that is left to others.

        One that is bound to a key (``cnf``) holds only with a proof by that key (RFC 9449 §7.2).
        """
        token = credentials.token
        if not self._jwts and token.count(".") == 2:
            return None
        if not token:
            return Rejected(Reason.TOKEN_UNKNOWN, "an empty token")  # never reaches the server (class 18)
        # Two tokens cannot be taken for one another, and none is in memory (class 14).
        key = sha256(token.encode("utf-8", "surrogatepass")).digest()
        principal = self._kept.get(key)
        if principal is None:
            return self._ask(key, credentials)
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
        """What holds of a token may be kept; who sent it, and what was revoked, is looked at each time."""
        refused = refuse_sender(principal.claims, credentials)
        if refused is not None:
            return refused
        authenticated = Authenticated(principal)
        if self._revocations is None:
            return authenticated
        return self._revocations.check(issuance_of(principal), authenticated)

    @CallMode.OWN_TIMEOUT  # the fetcher has a deadline of its own
    def _introspect_once(self, key: bytes, token: str) -> Principal | Rejected:
        return self._flights.once(key, lambda: self._introspect(key, token))

    def _introspect(self, key: bytes, token: str) -> Principal | Rejected:
        now = self._clock()
        known = self._kept.get(key)
        if known is not None:  # somebody was answered a moment ago
            return known
        endpoint = self._endpoint if isinstance(self._endpoint, Endpoint) else self._endpoint.locate()
        answer = self._fetcher.fetch(
            endpoint.url,
            form={"token": token, "token_type_hint": "access_token", **self._credentials.form()},
            headers=self._credentials.headers(),
            public=endpoint.public,
        )
        members = members_of(answer, _host(endpoint.url))
        if members is None:
            return Rejected(Reason.TOKEN_UNKNOWN, "the authorization server says that it is not active")
        principal = self._rules.judge(members, self.scheme, self._clock())
        if isinstance(principal, Rejected):
            return principal
        expires_at = inf if principal.expires_at is None else principal.expires_at
        self._kept.put(key, principal, min(expires_at, now + self._keep))  # as of when the server was asked
        return principal

    def __repr__(self) -> str:
        endpoint = self._endpoint.url if isinstance(self._endpoint, Endpoint) else self._endpoint.issuer
        return f"IntrospectionVerifier({endpoint!r}, client_id={self._credentials.client_id!r})"


def _names(endpoint: str | Issuer | DiscoveredEndpoint) -> frozenset[str]:
    """Every ``iss`` of the server that is asked, where it is known which one that is."""
    if isinstance(endpoint, Issuer):
        return endpoint.issuers
    return frozenset() if isinstance(endpoint, str) else frozenset({endpoint.issuer})


def _host(url: str) -> str:
    """Who is asked, for a message: nothing of the path, which may be secret."""
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
