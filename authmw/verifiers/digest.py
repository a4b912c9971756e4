"""Verifier of Digest responses: every check of RFC 7616 §3.4.6, in an order that reveals as little as possible to
an attacker."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Collection, Iterable
from typing import ClassVar, Final, cast

from authmw.crypto.digest_nonces import DigestNonces
from authmw.crypto.http_digest import DigestAlgorithm, DigestSessAlgorithm, ha2, hash_of, response, session_ha1
from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import ConfigurationError, FlowError, StoreUnavailable, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow
from authmw.http.reasons import Reason
from authmw.http.request import BodyIncomplete, BodyTooLarge, RequestHead
from authmw.http.target import decoded
from authmw.identity.credentials import DigestResponse
from authmw.identity.usernames import canonical_username
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.memory.nonces import MemoryNonces
from authmw.stores.ports import DigestStore, NonceStore, Throttle, require_methods
from authmw.stores.records import DigestUser, NonceUse, User
from authmw.verifiers.accounts import Attempts, checked_user, principal_of

WINDOW: Final = 16
"""Requests that may overtake each other under one nonce: a count may come after any that is less than this above it."""
OFFERED_QOP: Final = ("auth", "auth-int")
"""The values of ``qop`` in every challenge. A response without ``qop``, as in RFC 2069, is never accepted."""


@explains_arguments("DigestVerifier(stores.users)")
class DigestVerifier:
    """Verifies `DigestResponse`, for `HTTPDigest`.

    Before a store is asked it checks: realm, uri (exactly the path and query of the request target), algorithm, qop,
    opaque, and that this server issued the nonce for this realm. Then it checks the digest, then the age of the nonce
    (``stale=true``), and last the count of the nonce. So a response with a wrong digest uses up no count.

    Args:
        users: finds the HA1 of users. For its realm an HA1 is equivalent to the password (RFC 7616 §5.2).
        algorithms: offered and accepted, strongest first; MD5 only if old clients need it. With ``-sess``, each request
            is taken as the first of its session: its own cnonce counts, as real clients compute it.
        nonces: keeps the used counts of nonces; in this process by default. Several processes need to share one.
        secret: signs nonces; see `DigestNonces`. Several processes need to share one, together with `nonces`.
        max_age: seconds until a nonce is stale. After half of it, a client that succeeds gets the next nonce.
        max_body: the longest body that auth-int is verified for, in bytes.
        throttle: limits attempts, by the same keys as `PasswordVerifier`.
        clock: seconds since the epoch.
        random: makes random bytes.

    Raises:
        ConfigurationError: an algorithm is unknown, or `users` has ``digest_algorithms`` and keeps no HA1 for it; or
            `secret` is too short or comes without `nonces`.
    """

    asks: ClassVar[tuple[str, ...]] = ("find_digest", "find_digest_by_userhash", "use_nonce")
    """The methods of stores that it calls."""
    accepts: ClassVar[tuple[type, ...]] = (DigestResponse,)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        users: DigestStore,
        *,
        algorithms: tuple[DigestSessAlgorithm, ...] = ("SHA-256",),
        nonces: NonceStore | None = None,
        secret: bytes | None = None,
        max_age: Seconds = 300,
        max_body: int = 1024 * 1024,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = now,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        require_methods("DigestVerifier", users, "find_digest", "find_digest_by_userhash")
        if nonces is not None:
            require_methods("nonces=", nonces, "use_nonce")
        max_age = seconds(max_age, "max_age")
        if not algorithms or max_age < 1 or max_body < 0:
            raise ConfigurationError(
                "DigestVerifier needs algorithms, max_age >= 1 (seconds) and max_body >= 0 (bytes)"
            )
        kept: Iterable[str] | None = getattr(users, "digest_algorithms", None)
        if kept is not None:
            _check_kept(algorithms, frozenset(kept))
        if secret is not None and nonces is None:
            # Otherwise a request could be replayed, once to each process and again after a restart (RFC 7616 §5.5).
            raise ConfigurationError(
                "a nonce that several processes know needs its counts in one place: give DigestVerifier(secret=...) "
                "nonces= too, a NonceStore they share, or leave secret= out"
            )
        self.users = users
        self.algorithms: tuple[DigestSessAlgorithm, ...] = strongest_first(algorithms)
        self.nonces: DigestNonces = DigestNonces(secret=secret, clock=clock, random=random)
        self.realm: str | None = None
        self._algorithms = {name.upper(): _Algorithm(name, random) for name in self.algorithms}
        self._nonces = _in_this_process(clock) if nonces is None else nonces
        self._max_age: float = max_age
        self._max_body = max_body
        self._attempts = Attempts(throttle, clock)
        self._clock = clock
        self._opaque = ""

    def bind(self, realm: str) -> None:
        """Set the realm. `Auth` calls this through `HTTPDigest`.

        Raises:
            ConfigurationError: the verifier has another realm already, as when two `Auth` share it.
        """
        if self.realm is not None and self.realm != realm:
            raise ConfigurationError(
                f"this DigestVerifier answers for the realm {self.realm!r}: give {realm!r} one of its own"
            )
        self.realm = realm
        self._opaque = self.nonces.opaque(realm)

    def verify(self, credentials: DigestResponse, request: RequestHead, /) -> Flow[Verdict]:
        """The verdict: whether the response was made with the user's password, for this request and this nonce."""
        issued = self._issued_at(credentials, request)
        if isinstance(issued, Rejected):
            return issued
        name = None if credentials.username is None else canonical_username(credentials.username)
        if (name is None) is not (credentials.username is None):
            return (yield from self._attempts.from_source(request, _refuse_name()))
        body: bytes | None = None
        if credentials.qop == "auth-int":
            # Before a check is reserved: a client that sends slowly must not hold it.
            body = yield from self._read_body(request)
            if body is None:
                return Rejected(Reason.BODY_TOO_LARGE)
        algorithm = self._algorithms[credentials.algorithm.upper()]
        found = _checked((yield from self._find(name, credentials, algorithm.base)))
        # The name as it is stored: with a store that ignores case, each spelling would otherwise have its own attempts.
        account = found.user.username if found is not None else name or f"userhash {credentials.userhash}"
        # An unknown user costs the same hashes as a known user, so the time does not tell which one it is.
        session = _Session(algorithm, None if found is None else found.ha1, credentials)
        check = self._check(found, session, credentials, issued, method=request.method, body=body)
        user = yield from self._attempts.on_account(account, request, check)
        if isinstance(user, Rejected):
            return user
        info = self._authentication_info(session.rspauth(), credentials, issued)
        return Authenticated(principal_of(user, self.scheme), headers=(("Authentication-Info", info),))

    def _check(
        self,
        found: DigestUser | None,
        session: _Session,
        credentials: DigestResponse,
        issued: int,
        *,
        method: str,
        body: bytes | None,
    ) -> Flow[User | Rejected]:
        """The user, if the digest is right and its count is new."""
        right = session.is_answered(method, body)
        if found is None or right is not True or found.user.disabled:
            return _refusal(found, right, self._algorithms[credentials.algorithm.upper()].base)
        rejected = yield from self._spend(credentials, issued, found.user)
        return found.user if rejected is None else rejected

    def _issued_at(self, credentials: DigestResponse, request: RequestHead) -> int | Rejected:
        """The issue time of the nonce, if the response answers a challenge of this server and is for this request."""
        if self.realm is None:
            raise ConfigurationError(
                "DigestVerifier has no realm yet: pass its HTTPDigest to Auth, or call .bind(realm)"
            )
        if credentials.realm != self.realm:
            return _misplaced("the realm is another one")
        if credentials.algorithm.upper() not in self._algorithms:
            return _misplaced("the algorithm was not offered")
        if credentials.qop not in OFFERED_QOP:
            return _misplaced("the qop was not offered")
        # RFC 7616 §3.4: the client must return both as they were sent.
        if credentials.opaque != self._opaque:
            return _misplaced("the opaque is not ours")
        issued = self.nonces.issued_at(credentials.nonce, self.realm)
        if issued is None:
            return _misplaced("the nonce is not ours")
        if not is_target(credentials.uri, request):
            return _misplaced("the uri is not the request target")
        return issued

    def _find(
        self, name: str | None, credentials: DigestResponse, algorithm: DigestAlgorithm
    ) -> Ask[DigestUser | None]:
        realm = credentials.realm
        if name is not None:
            return Ask(self.users.find_digest, name, realm, algorithm)
        return Ask(self.users.find_digest_by_userhash, credentials.userhash or "", realm, algorithm)

    def _read_body(self, request: RequestHead) -> Flow[bytes | None]:
        """The whole body; None if it is too large or ends early."""
        try:
            return (yield from Ask(request.read_body, self._max_body))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, BodyTooLarge | BodyIncomplete):
                return None
            raise

    def _spend(self, credentials: DigestResponse, issued: int, user: User) -> Flow[Rejected | None]:
        """Use the count of a nonce (RFC 7616 §5.5).

        Call it only for a right digest: a refused request must use no count.
        """
        if not -self._max_age < self._clock() - issued < self._max_age:
            return Rejected(Reason.DIGEST_STALE)
        # Kept twice as long as the nonce is valid, for hosts that share the store and whose clocks differ.
        expires_at = issued + 2 * self._max_age
        # RFC 7616 §3.4: requests may overtake each other. A store accepts rising numbers under one name, so each nonce
        # has several: a count is refused if it was used, or if one was used that is a multiple of `WINDOW` above it.
        turn, place = divmod(int(credentials.nc, 16), WINDOW)
        # The names of each user begin alike, so that a store can bound what one user uses.
        name = f"digest:{token_digest(user.id)[:20]}:{credentials.nonce}/{place}"
        outcome = yield from Ask(self._nonces.use_nonce, name, turn + 1, expires_at)
        return None if outcome is NonceUse.FRESH else Rejected(Reason.DIGEST_REPLAYED)

    def _authentication_info(self, rspauth: str, credentials: DigestResponse, issued: int) -> str:
        """``Authentication-Info`` (RFC 7616 §3.5).

        Its qop is always ``auth``, also after a request with ``auth-int``: the body of a response is streamed, so it
        cannot be hashed before the head is sent.
        """
        info = f'rspauth="{rspauth}", qop=auth, cnonce="{credentials.cnonce}", nc={credentials.nc}'
        if 2 * (self._clock() - issued) <= self._max_age:
            return info
        return f'{info}, nextnonce="{self.nonces.issue(credentials.realm)}"'


class _Algorithm:
    """One offered algorithm: its hash, and a dummy HA1 for unknown users."""

    def __init__(self, name: DigestSessAlgorithm, random: Callable[[int], bytes]) -> None:
        self.is_session = name.endswith("-sess")
        self.base: DigestAlgorithm = cast("DigestAlgorithm", name.removesuffix("-sess"))
        self.h = hash_of(self.base)
        self.dummy = self.h(random(32))


class _Session:
    """One HA1 for one nonce and cnonce: client and server prove to each other that they know it."""

    __slots__ = ("_credentials", "_h", "_ha1")

    def __init__(self, algorithm: _Algorithm, ha1: str | None, credentials: DigestResponse) -> None:
        self._h = algorithm.h
        self._credentials = credentials
        # Everybody can compute the response for an empty HA1.
        usable = ha1 if ha1 is not None and len(ha1) == len(algorithm.dummy) else algorithm.dummy
        if algorithm.is_session:
            usable = session_ha1(self._h, usable, nonce=credentials.nonce, cnonce=credentials.cnonce)
        self._ha1 = usable

    def is_answered(self, method: str, body: bytes | None) -> bool:
        """Whether the client knows the HA1. Compared in constant time, as bytes."""
        expected = self._kd(self._credentials.qop, ha2(self._h, method=method, uri=self._credentials.uri, body=body))
        return hmac.compare_digest(expected.encode(), self._credentials.response.encode("utf-8", "replace"))

    def rspauth(self) -> str:
        """The proof that the server knows the HA1 too (RFC 7616 §3.5)."""
        return self._kd("auth", ha2(self._h, method="", uri=self._credentials.uri))

    def _kd(self, qop: str, ha2: str) -> str:
        credentials = self._credentials
        return response(
            self._h,
            ha1=self._ha1,
            nonce=credentials.nonce,
            nc=credentials.nc,
            cnonce=credentials.cnonce,
            qop=qop,
            ha2=ha2,
        )


def _check_kept(offered: Iterable[str], kept: Collection[str]) -> None:
    """Check that the store keeps an HA1 for each algorithm. `requests` answers the last one, so each has to work.

    Raises:
        ConfigurationError: it keeps none for one of them.
    """
    bases = dict.fromkeys(name.removesuffix("-sess") for name in offered)
    missing = [name for name in bases if name not in kept]
    if missing:
        needed = tuple(dict.fromkeys((*kept, *missing)))
        raise ConfigurationError(
            f"DigestVerifier offers {', '.join(missing)}, and its store keeps no HA1 for it: write "
            f"SQLStores(..., digest_algorithms={needed!r}), or the same with MemoryStores, and set the passwords of "
            "users anew (`authmw users set-password NAME --digest-realm REALM "
            f"{' '.join(f'--digest-algorithm {name}' for name in needed)}`)"
        )


def strongest_first(algorithms: tuple[DigestSessAlgorithm, ...]) -> tuple[DigestSessAlgorithm, ...]:
    """`algorithms` in the given order, each once, MD5 last (RFC 7616 §3.7)."""
    return tuple(sorted(dict.fromkeys(algorithms), key=lambda name: name.startswith("MD5")))


def is_target(uri: str, request: RequestHead) -> bool:
    """Whether `uri` is the target of `request`: path and query as the client sent them (RFC 7616 §3.4.6).

    They are compared without any normalisation. The path of `uri` may begin with a prefix that a proxy removed, if the
    framework was told of it. A target in absolute-form (RFC 9112 §3.2.2) equals itself, and its path. If the server
    gives no raw path, the decoded paths are compared: the application routes by these.
    """
    target = request.target
    if uri == target:
        return True
    path, mark, query = uri.partition("?")
    target_path, target_mark, target_query = target.partition("?")
    if query != target_query:
        return False
    if request.raw_path is not None:
        return mark == target_mark and path in (request.raw_path, request.public_path)
    return decoded(path) in (decoded(target_path), decoded(request.public_path))


def _refusal(found: DigestUser | None, right: bool, algorithm: DigestAlgorithm) -> Rejected:
    if found is None:
        return Rejected(Reason.USER_UNKNOWN, f"no user of that name has an HA1 for this realm and {algorithm}")
    if right is not True:
        return Rejected(Reason.DIGEST_MISMATCH, "the response is not that of the user's password")
    return Rejected(Reason.USER_DISABLED)


def _refuse_name() -> Flow[Verdict]:
    """The refusal of a name that no store can hold."""
    yield from ()
    return Rejected(Reason.CREDENTIALS_MALFORMED, "a user name that no store can hold")


def _misplaced(detail: str) -> Rejected:
    return Rejected(Reason.DIGEST_MISMATCH, detail)


def _in_this_process(clock: Callable[[], float]) -> NonceStore:
    return MemoryNonces(clock=clock)


def _checked(found: object) -> DigestUser | None:
    if found is None:
        return None
    if not isinstance(found, DigestUser):
        raise FlowError(f"find_digest answers a DigestUser or None, not {type(found).__name__}")
    checked_user(found.user, "find_digest")
    return found
