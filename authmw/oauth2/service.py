"""Configuration of the token service, shared by all of its endpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Protocol

from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import Entropy
from authmw.crypto.signing import TokenIssuer
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.flow import Flow
from authmw.flow.pool import WorkPool
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2 import argument_checks
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.endpoints import respond
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.runtime import Runtime
from authmw.stores.ports import ClientStore, FamilyStore, NonceStore, RevocationStore, Throttle, TokenKeeper, UserStore
from authmw.stores.records import Client
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.session_ports import SessionStore
from authmw.stores.stores import as_stores
from authmw.verifiers.accounts import Attempts
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.token import TokenVerifier


class ServiceStores(Protocol):
    """The stores of a token service. Each has to be there: the type allows None for the sake of `Stores`."""

    @property
    def users(self) -> UserStore | None:
        """Finds users by name."""

    @property
    def clients(self) -> ClientStore | None:
        """Finds clients."""

    @property
    def tokens(self) -> TokenKeeper | None:
        """Keeps opaque access tokens."""

    @property
    def families(self) -> FamilyStore | None:
        """Keeps the families of refresh tokens."""

    @property
    def nonces(self) -> NonceStore | None:
        """Keeps what may be used once."""

    @property
    def throttle(self) -> Throttle | None:
        """Counts attempts."""

    @property
    def revocations(self) -> RevocationStore | None:
        """Shares revocations between processes."""


@explains_arguments('TokenService(issuer="https://...", audience="...", stores=...)')
class TokenService:
    """Logs in, refreshes, revokes: the configuration that all endpoints share.

    Serve it at the path of `issuer`, by ``Mount(service)`` of `authmw.wsgi` or `authmw.asgi`, or as a Flask blueprint
    or Starlette routes. An API accepts its tokens by ``HTTPBearer(service.verifier())``.

    Args:
        issuer: the URL under which clients reach it, which is the ``iss`` of its tokens: https, without query or
            fragment; http for loopback only. It is used as it stands, to the byte (RFC 8414 §3.3).
        audience: the name of the API the tokens are for, or several.
        stores: the stores of users, clients, tokens and the rest: `SQLStores`, `MemoryStores`, or `Stores.of` several.
        keys: a ring of key pairs, for access tokens that are JWTs (RFC 9068). Without it they are opaque, and
            looked up at each request.
        password: offer the password grant (RFC 6749 §4.3). RFC 9700 §2.4 forbids it to all but the first-party
            application, whose login form sends the password to the same party in any case.
        first_party: the ``client_id`` of that application, which has no secret. It need not be in the store of
            clients; where it is not, it may be granted whatever the user may do.
        scopes: every scope, with what it means to people: no other is granted. None leaves that to users and clients.
        cookies: serve ``/login``, ``/refresh`` and ``/logout`` to the pages of the first-party application, whose
            tokens are in cookies. That is a password login too, and needs no `password`.
        lifetimes: how long tokens and sessions live.
        realm: named in the challenge of clients (RFC 7617 §2): printable ASCII.
        runtime: the clock, password hashing and time limits.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> from authmw.stores import MemoryStores
    >>> service = TokenService(issuer="https://id.example", audience="orders", stores=MemoryStores())
    >>> service.url("/token")
    'https://id.example/token'
    """

    asks: ClassVar[tuple[str, ...]] = argument_checks.METHODS
    """The methods of stores that it calls."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Collection[str],
        stores: ServiceStores,
        keys: KeyRing | None = None,
        password: bool = False,
        first_party: str = "first-party",
        scopes: Mapping[str, str] | None = None,
        cookies: CookieMode | None = None,
        lifetimes: Lifetimes | None = None,
        realm: str = "app",
        runtime: Runtime | None = None,
    ) -> None:
        wrong = [
            *argument_checks.in_issuer(issuer),
            *argument_checks.in_audience(audience),
            *argument_checks.in_stores(stores),
            *argument_checks.in_keys(keys),
            *argument_checks.in_names(first_party=first_party, realm=realm, scopes=scopes),
            *argument_checks.in_features(cookies=cookies, lifetimes=lifetimes, runtime=runtime),
        ]
        if wrong:
            raise ConfigurationError(*wrong)
        runtime = runtime or Runtime()
        self.issuer = issuer
        self.audience: tuple[str, ...] = (audience,) if isinstance(audience, str) else tuple(audience)
        self.keys = keys
        self.password = password
        self.first_party = first_party
        self.scopes: dict[str, str] | None = None if scopes is None else dict(scopes)
        self.cookies = cookies
        self.lifetimes: Lifetimes = lifetimes or Lifetimes()
        self.realm = realm
        self.pool: WorkPool = runtime.pool
        self.store_timeout: float = runtime.store_timeout
        self.clock: Callable[[], float] = runtime.clock
        self.entropy: Entropy = runtime.entropy
        checked: Any = as_stores(stores)  # in_stores found each role
        self.users: UserStore = checked.users
        self.clients: ClientStore = checked.clients
        self.tokens: TokenKeeper = checked.tokens
        self.families: FamilyStore = checked.families
        self.nonces: NonceStore = checked.nonces
        self.sessions: SessionStore | None = getattr(checked, "sessions", None)
        self.revocations: RevocationStore = checked.revocations
        self.throttle: Throttle = checked.throttle
        self.own_client: Client = Client(
            first_party, auth_method="none", grant_types=frozenset({"password", "refresh_token"})
        )
        """The first-party application, unless the store of clients has it."""
        self.feed: RevocationFeed = RevocationFeed(
            self.revocations, bound=runtime.revocation_bound, outage_bound=runtime.outage_bound, clock=self.clock
        )
        """The revocations that this process knows of."""
        # A login begins a session of days: it is rare, and always checked and counted.
        self.passwords: PasswordVerifier = PasswordVerifier(
            self.users, hasher=runtime.hasher, throttle=self.throttle, remember_for=0, clock=self.clock
        )
        self.client_attempts: Attempts = Attempts(self.throttle, self.clock)
        self.token_signer: TokenIssuer | None = None
        """Signs access tokens; None where they are opaque."""
        if keys is not None:
            self.token_signer = TokenIssuer(
                keys, issuer=issuer, audience=self.audience, lifetime=self.lifetimes.access, clock=self.clock
            )

    def respond(self, request: RequestHead, path: str | None = None) -> Flow[Response]:
        """The response to a request for one of the endpoints, or a 404.

        Args:
            request: the request.
            path: of the endpoint, below that of the issuer; by default the path of the request.
        """
        return respond(self, request, request.path if path is None else path)

    def verifier(self) -> JWTVerifier | TokenVerifier:
        """The verifier of its access tokens, for an API: ``HTTPBearer(service.verifier())``.

        What was revoked is refused within the seconds of `Runtime.revocation_bound`. No request asks a store for that.
        """
        if self.keys is None:
            return TokenVerifier(self.tokens, audience=self.audience, revocations=self.feed, clock=self.clock)
        return JWTVerifier(
            self.keys, issuer=self.issuer, audience=self.audience, revocations=self.feed, clock=self.clock
        )

    def url(self, path: str) -> str:
        """The URL of an endpoint. It comes from the issuer, never from a request (RFC 9700 §4.13)."""
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
