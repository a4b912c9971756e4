"""Verifier of the access tokens of an external issuer, configured by the name of the issuer."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Generator
from typing import ClassVar, Final

from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.jws import shown
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import monotonic, now
from authmw.flow.durations import Seconds
from authmw.flow.flow import Ask, Flow
from authmw.http.location import mistake_in_url
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Rejected, Verdict
from authmw.issuers.access_token_verifier import AccessTokenVerifier
from authmw.issuers.audience import Audience
from authmw.issuers.discovery import mistakes_in_issuer
from authmw.issuers.fetching.fetch import Fetcher
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.keys.cache_policy import CachePolicy
from authmw.issuers.keys.key_cache import KeyCache
from authmw.issuers.keys.key_source import PublishedAt
from authmw.issuers.peek import Peek, peek
from authmw.issuers.profiles import Profile, checked_profile
from authmw.verifiers.jwt import ScopeClaim

# Refusals that may mean that the issuer has a new key.
_MAY_NEED_NEW_KEYS: Final = frozenset({Reason.TOKEN_KEY, Reason.TOKEN_ALGORITHM, Reason.TOKEN_SIGNATURE})
_MANY_TENANTS: Final = tuple(
    f"https://login.microsoftonline.com/{tenant}/" for tenant in ("common", "organizations", "consumers")
)


@explains_arguments('Issuer("https://...", audience="...")')
class Issuer:
    """Verifies the JWT access tokens of an issuer (RFC 9068 §4), with the keys that it publishes.

    It fetches the metadata and the keys with the first token, never before, and then keeps them: through rotations, and
    for a day while the issuer is down. Tokens that no known key has signed cause at most three fetches at once, and one
    in 30 seconds on average. While there are no keys at all, the response to a token is a 503 with ``Retry-After``.

    Args:
        issuer: the exact ``iss`` of its tokens and of its metadata: an https URL (http on this machine).
        audience: the name of this API, which must be in ``aud``; several names; or ``AnyAudience("the reason")``.
        profile: ``"auth0"``, ``"keycloak"``, ``"entra"``, ``"cognito"``, ``"okta"``, ``"google"``, ``"zitadel"``, or a
            custom `Profile`. None for an issuer that follows RFC 9068.
        types: the values of ``typ`` of its access tokens, in place of those of the profile.
        scopes: the claims with the scopes, in place of those of the profile; as for `JWTVerifier`.
        role_prefix: makes a scope from each role, if the profile knows roles: ``requires_scopes("role:admin")``. Empty:
            the role itself is the scope. None: no roles.
        subject_prefix: put in front of the ``sub`` to make the id of the principal, so that users of several issuers
            have different ids.
        leeway: seconds by which its clock may differ, 60 at most.
        required: further claims that must be present.
        rsa_algorithm: the algorithm of its RSA keys that do not name one.
        metadata_url: the URL of its metadata, if that is not a well-known URL.
        jwks_uri: the URL of its keys, if it has no metadata. Then no metadata is fetched.
        fetcher: fetches metadata and keys: an `HTTPFetcher`, or the fake issuer of `authmw.testing`.
        cache: how long keys are kept, and how often they are fetched.
        clock: the time, in seconds since the epoch.
        timer: a monotonic clock in seconds, for the age of keys.
        chance: a random number in [0, 1), so that the processes of a fleet do not all fetch at the same moment; by
            default `random.random`.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> Issuer("https://id.example", audience="orders")
    Issuer('https://id.example', audience=['orders'], profile='rfc9068')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The types of credentials that it verifies."""
    expects: ClassVar[str] = "a signed JWT"
    """The kind of token that it knows, for the log."""
    ignores_request: ClassVar[bool] = True
    """Its verdicts may be remembered. A subclass has to say so again: it may look at the request."""
    scheme: str = ""
    """The name of the scheme that it belongs to."""

    def __init__(
        self,
        issuer: str,
        *,
        audience: Audience,
        profile: str | Profile | None = None,
        types: Collection[str | None] | None = None,
        scopes: ScopeClaim | None = None,
        role_prefix: str | None = "role:",
        subject_prefix: str = "",
        leeway: Seconds = 30,
        required: Collection[str] = (),
        rsa_algorithm: str = "RS256",
        metadata_url: str | None = None,
        jwks_uri: str | None = None,
        fetcher: Fetcher | None = None,
        cache: CachePolicy | None = None,
        clock: Callable[[], float] = now,
        timer: Callable[[], float] = monotonic,
        chance: Callable[[], float] | None = None,
    ) -> None:
        known, mistakes = checked_profile(profile)
        mistakes += _mistakes(issuer, audience, rsa_algorithm, metadata_url, jwks_uri)

        def verifier(keys: KeyRing) -> AccessTokenVerifier:
            return AccessTokenVerifier(
                keys,
                issuer=issuer,
                audience=audience,
                profile=known,
                types=types,
                scopes=scopes,
                role_prefix=role_prefix,
                subject_prefix=subject_prefix,
                leeway=leeway,
                required=required,
                clock=clock,
            )

        if not mistakes:
            try:
                verifier(KeyRing(Key.generate()))  # reports mistakes in its arguments at construction
            except ConfigurationError as error:
                mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.issuer = issuer
        self.audience: Audience = audience
        self.profile: Profile = known
        self.issuers: frozenset[str] = known.forms_of(issuer)
        self.subject_prefix = subject_prefix
        self.fetcher: Fetcher = fetcher or HTTPFetcher()
        source = PublishedAt(
            issuer,
            self.fetcher,
            metadata_urls=() if metadata_url is None else (metadata_url,),
            jwks_uri=jwks_uri,
            rsa_algorithm=rsa_algorithm,
            timer=timer,
        )
        self.keys: KeyCache = KeyCache(source, name=issuer, policy=cache, timer=timer, chance=chance or random.random)
        self._verifier = verifier
        self._made: tuple[KeyRing, AccessTokenVerifier] | None = None

    @property
    def version(self) -> int:
        """Changes when the issuer removes a key: verdicts on tokens of that key are no longer remembered."""
        return self.keys.version

    def verify(
        self, credentials: BearerToken | BoundToken, _request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict | None] | None:
        """The verdict on the token; None if it does not have the two dots of a signed JWT.

        The answer is a flow only if the token has to wait for keys.
        """
        if credentials.token.count(".") != 2:
            return None
        ring = self.keys.at_hand()
        if ring is None:
            seen = self._worth_a_fetch(credentials)
            return seen if isinstance(seen, Rejected) else self._wait(credentials)
        verdict = self.verifier_with(ring).verify(credentials)
        if isinstance(verdict, Rejected) and verdict.reason in _MAY_NEED_NEW_KEYS:
            seen = self._worth_a_fetch(credentials)
            if isinstance(seen, Peek):
                return self._wait_for(credentials, seen.kid, ring, verdict)
        return verdict

    def verifier_with(self, ring: KeyRing) -> AccessTokenVerifier:
        """The verifier with the keys of `ring`. It is made anew only when the keys change."""
        made = self._made
        if made is None or made[0] is not ring:
            made = self._made = ring, self._verifier(ring)
        made[1].scheme = self.scheme
        return made[1]

    def _worth_a_fetch(self, credentials: BearerToken | BoundToken) -> Peek | Rejected:
        """The unverified part of the token, if a key of this issuer may have signed it; else the refusal."""
        seen = peek(credentials.token)
        if seen is None:
            return Rejected(Reason.TOKEN_MALFORMED, "not built as a signed JWT is")
        if seen.issuer not in self.issuers:
            return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(seen.issuer)}")
        if not seen.is_worth_a_fetch:
            return Rejected(Reason.TOKEN_ALGORITHM, f"alg is {shown(seen.alg)}, which no published key is for")
        return seen

    def _wait(self, credentials: BearerToken | BoundToken) -> Flow[Verdict | None]:
        ring = yield from Ask(self.keys.wait)
        verdict = self.verifier_with(ring).verify(credentials)
        if isinstance(verdict, Rejected) and verdict.reason in _MAY_NEED_NEW_KEYS and self.keys.is_failing:
            seen = peek(credentials.token)  # the keys are old: the issuer may have a new one
            return (yield from self._wait_for(credentials, None if seen is None else seen.kid, ring, verdict))
        return (yield from verdict) if isinstance(verdict, Generator) else verdict

    def _wait_for(
        self, credentials: BearerToken | BoundToken, kid: str | None, tried: KeyRing, refused: Rejected
    ) -> Flow[Verdict | None]:
        ring = yield from Ask(self.keys.wait_for, kid, tried)
        if ring is None:
            return refused
        verdict = self.verifier_with(ring).verify(credentials)
        return (yield from verdict) if isinstance(verdict, Generator) else verdict

    def __repr__(self) -> str:
        audience = [self.audience] if isinstance(self.audience, str) else self.audience
        return f"Issuer({self.issuer!r}, audience={audience!r}, profile={self.profile.name!r})"


def _mistakes(
    issuer: object, audience: object, rsa_algorithm: str, metadata_url: str | None, jwks_uri: str | None
) -> list[str]:
    mistakes = mistakes_in_issuer(issuer)
    if isinstance(issuer, str) and f"{issuer}/".startswith(_MANY_TENANTS):
        mistakes.append(
            f"issuer={issuer!r} stands for many tenants, and no token has it: name each tenant that is let in, "
            "Issuers(Issuer('https://login.microsoftonline.com/<tenant id>/v2.0', ...), Issuer(...))"
        )
    if audience is None:
        mistakes.append('audience is None: name this API, or say AnyAudience("why tokens for others are accepted")')
    if rsa_algorithm not in ALGORITHMS or ALGORITHMS[rsa_algorithm].kty != "RSA":
        mistakes.append(f"rsa_algorithm={rsa_algorithm!r} is no algorithm of RSA keys: say RS256 or PS256")
    for name, url in (("metadata_url", metadata_url), ("jwks_uri", jwks_uri)):
        if url is not None and (wrong := mistake_in_url(url)):
            mistakes.append(f"{name}={url!r}: {wrong}")
    return mistakes
