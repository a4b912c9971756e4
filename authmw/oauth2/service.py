"""The token service: its configuration, and which endpoint answers which path."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import Entropy
from authmw.crypto.passwords import PasswordHasher
from authmw.crypto.signing import TokenIssuer
from authmw.errors import ConfigurationError
from authmw.flow.flow import STORE_TIMEOUT
from authmw.flow.pool import WorkPool, default_pool
from authmw.oauth2 import mistakes
from authmw.oauth2.cookie_mode import CookieMode
from authmw.stores.ports import ClientStore, FamilyStore, NonceStore, RevocationStore, Throttle, TokenKeeper, UserStore
from authmw.stores.records import Client
from authmw.stores.revocation_feed import RevocationFeed
from authmw.verifiers.accounts import Attempts
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.token import TokenVerifier

_DAY: Final = 86_400


class TokenService:
    """Logs in, refreshes, revokes: the configuration that all endpoints share.

    Mount it by ``Mount(TokenEndpoints(service))`` of `authmw.wsgi` or `authmw.asgi`, or as a Flask blueprint or
    Starlette routes, at the path of `issuer`. An API accepts its tokens by ``HTTPBearer(service.verifier())``.

    Args:
        issuer: the URL under which clients reach it, which is the ``iss`` of its tokens: https, without query or
            fragment; http for loopback only. It is used as it stands, to the byte (RFC 8414 §3.3).
        stores: where everything is kept: `SQLStores`, `MemoryStores`, or `Stores.of` several.
        audience: the name of the API the tokens are for, or several.
        keys: a ring of key pairs, for access tokens that are JWTs (RFC 9068). Without it they are opaque, and
            looked up at each request.
        password: offer the password grant. RFC 9700 §2.4 forbids it to others than the own, first-party application,
            whose login form sends the password to the same party in any case.
        first_party: the ``client_id`` of that application, which has no secret. It need not be in the store of
            clients; where it is not, it may be granted whatever the user may do.
        scopes: every scope, with what it means to people: no other is granted. None leaves that to users and clients.
        access_lifetime: seconds an access token is good for; one day at most.
        refresh_lifetime: seconds after a login until nothing refreshes it any more; 400 days at most.
        idle_lifetime: seconds without a refresh that end a login.
        grace: seconds in which a refresh token that was just used gets the same successor again, for clients that
            race with themselves or lost the answer; 60 at most, 0 for none.
        revocation_bound: seconds within which every process refuses what was revoked.
        cookies: serve ``/login``, ``/refresh`` and ``/logout`` to the pages of an application, which keep its tokens in
            cookies. That is a password login of the first-party application, and needs no `password`.
        throttle: counts attempts to guess; the one of `stores` by default.
        hasher: verifies passwords; argon2id by default.
        realm: named in the challenge of clients (RFC 7617 §2): printable ASCII.
        pool: where passwords are hashed.
        store_timeout: seconds that a store may take to answer under ASGI, before that is a 503.
        clock: seconds since the epoch.
        entropy: where randomness comes from.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> from authmw.stores.memory import MemoryStores
    >>> service = TokenService(issuer="https://id.example", stores=MemoryStores(), audience="orders")
    >>> service.url("/token")
    'https://id.example/token'
    """

    def __init__(
        self,
        *,
        issuer: str,
        stores: object,
        audience: str | Collection[str],
        keys: KeyRing | None = None,
        password: bool = False,
        first_party: str = "first-party",
        scopes: Mapping[str, str] | None = None,
        access_lifetime: int = 600,
        refresh_lifetime: int = 30 * _DAY,
        idle_lifetime: int = 14 * _DAY,
        grace: int = 30,
        revocation_bound: float = 1.0,
        cookies: CookieMode | None = None,
        throttle: Throttle | None = None,
        hasher: PasswordHasher | None = None,
        realm: str = "app",
        pool: WorkPool = default_pool,
        store_timeout: float = STORE_TIMEOUT,
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        wrong = [
            *mistakes.in_issuer(issuer),
            *mistakes.in_stores(stores, throttle),
            *mistakes.in_audience(audience),
            *mistakes.in_keys(keys),
            *mistakes.in_names(first_party=first_party, realm=realm, scopes=scopes),
            *mistakes.in_lifetimes(access=access_lifetime, refresh=refresh_lifetime, idle=idle_lifetime, grace=grace),
            *mistakes.in_bound(revocation_bound),
            *mistakes.in_cookies(cookies),
        ]
        if wrong:
            raise ConfigurationError(*wrong)
        kept: Any = stores  # has all that is asked of it below, as was just made sure
        self.users: UserStore = kept.users
        self.clients: ClientStore = kept.clients
        self.tokens: TokenKeeper = kept.tokens
        self.families: FamilyStore = kept.families
        self.nonces: NonceStore = kept.nonces
        self.revocations: RevocationStore = kept.revocations
        self.throttle: Throttle = kept.throttle if throttle is None else throttle
        self.issuer = issuer
        self.audience: tuple[str, ...] = (audience,) if isinstance(audience, str) else tuple(audience)
        self.keys = keys
        self.password = password
        self.cookies = cookies
        self.first_party = first_party
        self.scopes: dict[str, str] | None = None if scopes is None else dict(scopes)
        self.access_lifetime = access_lifetime
        self.refresh_lifetime = refresh_lifetime
        self.idle_lifetime = idle_lifetime
        self.grace = grace
        self.realm = realm
        self.pool = pool
        self.store_timeout = store_timeout
        self.clock = clock
        self.entropy = entropy
        self.own_client: Client = Client(
            first_party, auth_method="none", grant_types=frozenset({"password", "refresh_token"})
        )
        """What the first-party application is, unless the store of clients says otherwise."""
        self.feed: RevocationFeed = RevocationFeed(self.revocations, bound=revocation_bound, clock=clock)
        """What was revoked, as this process knows it."""
        self.passwords: PasswordVerifier = PasswordVerifier(
            self.users, hasher=hasher, throttle=self.throttle, clock=clock
        )
        self.client_attempts: Attempts = Attempts(self.throttle, clock, kind="client")
        self.issues: TokenIssuer | None = None
        """Signs access tokens; None where they are opaque."""
        if keys is not None:
            self.issues = TokenIssuer(
                keys, issuer=issuer, audience=self.audience, lifetime=access_lifetime, clock=clock
            )

    def verifier(self) -> JWTVerifier | TokenVerifier:
        """What an API verifies the access tokens with: ``HTTPBearer(service.verifier())``.

        What was revoked is refused within `revocation_bound` seconds, and nothing is asked for that.
        """
        if self.keys is None:
            return TokenVerifier(self.tokens, audience=self.audience, revocations=self.feed, clock=self.clock)
        return JWTVerifier(
            self.keys, issuer=self.issuer, audience=self.audience, revocations=self.feed, clock=self.clock
        )

    def url(self, path: str) -> str:
        """The URL of an endpoint. It comes from the issuer, never from a request (G9)."""
        return self.issuer.rstrip("/") + path

    @property
    def grant_types(self) -> tuple[str, ...]:
        """The grants that are offered (RFC 8414 §2)."""
        return (*(("password",) if self.password else ()), "refresh_token", "client_credentials")

    def ceiling(self, client: Client) -> frozenset[str] | None:
        """The most that `client` is granted; None for no limit but the user's own."""
        return None if client is self.own_client else client.scopes

    def __repr__(self) -> str:
        kind = "opaque tokens" if self.keys is None else "JWTs"
        return f"TokenService(issuer={self.issuer!r}, {kind})"
