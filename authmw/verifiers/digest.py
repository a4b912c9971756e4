"""Verifier of Digest responses: every check of RFC 7616 §3.4.6, in an order that reveals as little as possible to
an attacker."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from typing import ClassVar, Final, cast

from authmw.crypto.digest_nonces import DigestNonces
from authmw.crypto.http_digest import DigestAlgorithm, DigestSessAlgorithm, ha2, hash_of, response, session_ha1
from authmw.errors import ConfigurationError, FlowError, StoreUnavailable
from authmw.flow.flow import Ask, Flow
from authmw.http.reasons import Reason
from authmw.http.request import BodyIncomplete, BodyTooLarge, RequestHead
from authmw.identity.credentials import DigestResponse
from authmw.identity.usernames import canonical_username
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.memory.nonces import MemoryNonces
from authmw.stores.ports import DigestStore, NonceStore, Throttle, require_methods
from authmw.stores.records import DigestUser, NonceUse
from authmw.verifiers.accounts import Attempts, checked_user, principal_of

OFFERED_QOP: Final = ("auth", "auth-int")
"""The values of ``qop`` in every challenge. A response without ``qop``, as in RFC 2069, is never accepted."""


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
        throttle: counts attempts, by the same keys as `PasswordVerifier`.
        clock: seconds since the epoch.
        random: makes random bytes.

    Raises:
        ConfigurationError: an algorithm is unknown, or `secret` is too short or comes without `nonces`.
    """

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
        max_age: int = 300,
        max_body: int = 1024 * 1024,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        require_methods("DigestVerifier", users, "find_digest", "find_digest_by_userhash")
        if nonces is not None:
            require_methods("nonces=", nonces, "use_nonce")
        if not algorithms or max_age < 1 or max_body < 0:
            raise ConfigurationError(
                "DigestVerifier needs algorithms, max_age >= 1 (seconds) and max_body >= 0 (bytes)"
            )
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
        self._max_age = max_age
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
        if self._attempts.are_counted:
            refused = yield from self._attempts.from_source(request)
            if refused is not None:
                return refused
        name = None if credentials.username is None else canonical_username(credentials.username)
        if (name is None) is not (credentials.username is None):
            return Rejected(Reason.CREDENTIALS_MALFORMED, "a user name that no store can hold")
        body: bytes | None = None
        if credentials.qop == "auth-int":
            body = yield from self._read_body(request)
            if body is None:
                return Rejected(Reason.BODY_TOO_LARGE)
        algorithm = self._algorithms[credentials.algorithm.upper()]
        found = _checked((yield from self._find(name, credentials, algorithm.base)))
        # The name as it is stored: with a store that ignores case, each spelling would otherwise have its own attempts.
        account = found.user.username if found is not None else name or f"userhash {credentials.userhash}"
        counted = (yield from self._attempts.on_account(account, request)) if self._attempts.are_counted else None
        # An unknown user costs the same hashes as a known user, so the time does not tell which one it is.
        session = _Session(algorithm, None if found is None else found.ha1, credentials)
        right = session.is_answered(request.method, body)
        if counted is not None and counted.rejected is not None:
            return counted.rejected
        if found is None or right is not True or found.user.disabled:
            return _refusal(found, right)
        rejected = yield from self._spend(credentials, issued)
        if rejected is not None:
            return rejected
        if counted is not None:
            yield from self._attempts.succeeded(counted, request)
        info = self._authentication_info(session.rspauth(), credentials, issued)
        return Authenticated(principal_of(found.user, self.scheme), headers=(("Authentication-Info", info),))

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

    def _spend(self, credentials: DigestResponse, issued: int) -> Flow[Rejected | None]:
        """Use the count of a nonce (RFC 7616 §5.5).

        Call it only for a right digest: a refused request must use no count.
        """
        if not -self._max_age < self._clock() - issued < self._max_age:
            return Rejected(Reason.DIGEST_STALE)
        # Kept twice as long as the nonce is valid, for hosts that share the store and whose clocks differ.
        expires_at = issued + 2 * self._max_age
        outcome = yield from Ask(self._nonces.use_nonce, credentials.nonce, int(credentials.nc, 16), expires_at)
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


def strongest_first(algorithms: tuple[DigestSessAlgorithm, ...]) -> tuple[DigestSessAlgorithm, ...]:
    """`algorithms` in the given order, each once, MD5 last (RFC 7616 §3.7)."""
    return tuple(sorted(dict.fromkeys(algorithms), key=lambda name: name.startswith("MD5")))


def is_target(uri: str, request: RequestHead) -> bool:
    """Whether `uri` is the target of `request`: path and query as the client sent them (RFC 7616 §3.4.6).

    They are compared without any normalisation, so an absolute-form only equals itself. If the server gives no raw
    path, the decoded paths are compared: the application routes by these.
    """
    target = request.target
    if uri == target:
        return True
    if request.raw_path is not None:
        return False
    from urllib.parse import unquote

    path, mark, query = uri.partition("?")
    target_path, target_mark, target_query = target.partition("?")
    same_path = unquote(path, "latin-1") == unquote(target_path, "latin-1")
    return same_path and query == target_query and (mark == target_mark or not query)


def _refusal(found: DigestUser | None, right: bool) -> Rejected:
    if found is None:
        return Rejected(Reason.USER_UNKNOWN)
    if right is not True:
        return Rejected(Reason.DIGEST_MISMATCH, "the response is not that of the user's password")
    return Rejected(Reason.USER_DISABLED)


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
