"""The tokens of somebody else's issuer, by its name alone: where its keys are, it says itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Generator
from typing import ClassVar, Final

from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.jws import shown
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.errors import ConfigurationError
from authmw.flow.flow import Ask, Flow
from authmw.http.location import mistake_in_url
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Rejected, Verdict
from authmw.issuers.access_tokens import AccessTokenVerifier
from authmw.issuers.audience import Audience
from authmw.issuers.discovery import mistakes_in_issuer
from authmw.issuers.fetching.fetch import Fetcher
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.keys.cache_policy import CachePolicy
from authmw.issuers.keys.key_cache import KeyCache
from authmw.issuers.keys.key_source import PublishedAt
from authmw.issuers.peek import Peek, peek
from authmw.issuers.profiles import RFC_9068, Profile, profile_of
from authmw.verifiers.jwt import ScopeClaim

# What a key that is not known yet may be the reason for.
_PERHAPS_A_NEW_KEY: Final = frozenset({Reason.TOKEN_KEY, Reason.TOKEN_ALGORITHM, Reason.TOKEN_SIGNATURE})
_MANY_TENANTS: Final = tuple(
    f"https://login.microsoftonline.com/{tenant}/" for tenant in ("common", "organizations", "consumers")
)


class Issuer:
    """Verifies the JWT access tokens of an issuer (RFC 9068 §4), with the keys that it publishes.

    Its metadata and keys are fetched with the first token, never before, and then kept: through rotations, and for a
    day when it is down. Nothing is fetched because of what a token says, but for a key with a new name, at most every
    30 seconds. While its keys cannot be had at all, tokens are answered by 503 with ``Retry-After``.

    Args:
        issuer: the exact ``iss`` of its tokens, and what its metadata says: an https URL (http on this machine).
        audience: the name of this API, which has to be in ``aud``; several; or ``AnyAudience("the reason")``.
        profile: ``"auth0"``, ``"keycloak"``, ``"entra"``, ``"cognito"``, ``"okta"``, ``"google"``, ``"zitadel"``, or a
            `Profile` of your own. None for an issuer that keeps to RFC 9068.
        types: the ``typ`` that its access tokens have, in place of the profile's.
        scopes: where the scopes are, in place of the profile's; as for `JWTVerifier`.
        role_prefix: makes a scope of each role, where the profile knows roles: ``requires_scopes("role:admin")``.
            Empty for the role itself; None for no roles.
        subject_prefix: stands before the ``sub`` in the principal's id, to tell the users of several issuers apart.
        leeway: seconds by which its clock may differ, 60 at most.
        required: further claims that have to be there.
        rsa_algorithm: what its RSA keys are for that do not say so themselves.
        metadata_url: where its metadata is, when that is not at one of the well-known places.
        jwks_uri: where its keys are, when it has no metadata. Then there is nothing else to find.
        fetcher: gets them: an `HTTPFetcher`, or the fake issuer of `authmw.testing`.
        cache: how long keys are kept, and how often they are asked for.
        clock: the time, in seconds since the epoch.
        timer: seconds that only grow, for the age of keys.
        chance: a number in [0, 1), by which the instances of a fleet do not all ask at once.

    Raises:
        ConfigurationError: all that is wrong with the arguments.

    >>> Issuer("https://id.example", audience="orders")
    Issuer('https://id.example', audience=['orders'], profile='rfc9068')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The credentials it verifies."""
    scheme: str = ""
    """The name of the scheme it is given to."""

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
        leeway: float = 30,
        required: Collection[str] = (),
        rsa_algorithm: str = "RS256",
        metadata_url: str | None = None,
        jwks_uri: str | None = None,
        fetcher: Fetcher | None = None,
        cache: CachePolicy | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        known, mistakes = _profile(profile)
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
                verifier(KeyRing(Key.generate()))  # what is wrong with its arguments is told now
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
        self.keys: KeyCache = KeyCache(source, name=issuer, policy=cache, timer=timer, chance=chance)
        self._verifier = verifier
        self._made: tuple[KeyRing, AccessTokenVerifier] | None = None

    @property
    def version(self) -> int:
        """Changes when one of its keys goes: what that key signed is not remembered any longer."""
        return self.keys.version

    def verify(
        self, credentials: BearerToken | BoundToken, _request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict | None] | None:
        """Whether the token holds; None when it has not the two dots of a signed JWT.

        A flow only where keys have to be waited for.
        """
        if credentials.token.count(".") != 2:
            return None
        ring = self.keys.at_hand()
        if ring is None:
            seen = self._worth_a_fetch(credentials)
            return seen if isinstance(seen, Rejected) else self._wait(credentials)
        verdict = self.verifier_with(ring).verify(credentials)
        if isinstance(verdict, Rejected) and verdict.reason in _PERHAPS_A_NEW_KEY:
            seen = self._worth_a_fetch(credentials)
            if isinstance(seen, Peek) and (seen.kid is None or seen.kid not in ring.current.by_kid):
                return self._wait_for(credentials, seen.kid, ring, verdict)
        return verdict

    def verifier_with(self, ring: KeyRing) -> AccessTokenVerifier:
        """What verifies with the keys of `ring`: one for as long as they are the same."""
        made = self._made
        if made is None or made[0] is not ring:
            made = self._made = ring, self._verifier(ring)
        made[1].scheme = self.scheme
        return made[1]

    def _worth_a_fetch(self, credentials: BearerToken | BoundToken) -> Peek | Rejected:
        """What the token says of itself, if one of this issuer's keys might have signed it."""
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
        if isinstance(verdict, Rejected) and verdict.reason in _PERHAPS_A_NEW_KEY and self.keys.is_failing:
            seen = peek(credentials.token)  # these are old keys
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


def _profile(given: str | Profile | None) -> tuple[Profile, list[str]]:
    try:
        return profile_of(given), []
    except ConfigurationError as error:
        return RFC_9068, list(error.mistakes)


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
