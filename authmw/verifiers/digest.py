"""Verifies Digest responses: every check of RFC 7616 §3.4.6, in the order that tells a guesser least."""

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
from authmw.stores.ports import DigestStore, NonceStore, Throttle, require_methods
from authmw.stores.records import DigestUser, NonceUse
from authmw.verifiers.accounts import Attempts, checked_user, principal_of

OFFERED_QOP: Final = ("auth", "auth-int")
"""What every challenge offers. A response without ``qop``, as in RFC 2069, is never accepted."""


class DigestVerifier:
    """Verifies `DigestResponse`, for `HTTPDigest`.

    Checked are, before a store is asked: realm, uri (path and query of the request target, exactly), algorithm, qop,
    opaque, and that the nonce was issued here for this realm. Then the digest; only then whether the nonce has aged
    (``stale=true``), and last its count, so that a failed try uses none up.

    Args:
        users: finds the HA1 of users. It is equivalent to their passwords for one realm (DIG-8): keep it accordingly.
        algorithms: what is offered and accepted, strongest first; MD5 only where old clients need it. With ``-sess``,
            each request is taken for the first of its session: its own cnonce counts, as real clients have it.
        nonces: where the counts of nonces are kept; in this process by default. Several processes need to share one.
        secret: signs nonces; see `DigestNonces`. Several processes need to share one, and `nonces` with it.
        max_age: seconds until a nonce is stale. Past half of it, a client that succeeds is told the next one.
        max_body: the longest body that auth-int is verified for, in bytes.
        throttle: counts attempts, by the same keys as `PasswordVerifier`.
        clock: seconds since the epoch.
        random: makes random bytes.

    Raises:
        ConfigurationError: an algorithm that is not there, or a secret that is too short, or that comes without
            `nonces`.
    """

    accepts: ClassVar[tuple[type, ...]] = (DigestResponse,)
    """The credentials it verifies: what it cannot, no scheme may give it."""
    scheme: str = ""
    """The name of the scheme that principals are authenticated by."""

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
            # Or a request could be replayed, once to each process and again after a restart (DIG-3).
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
        """Learn the realm; `Auth` sees to it through `HTTPDigest`.

        Raises:
            ConfigurationError: it has another one already, as when two `Auth` share this verifier.
        """
        if self.realm is not None and self.realm != realm:
            raise ConfigurationError(
                f"this DigestVerifier answers for the realm {self.realm!r}: give {realm!r} one of its own"
            )
        self.realm = realm
        self._opaque = self.nonces.opaque(realm)

    def verify(self, credentials: DigestResponse, request: RequestHead, /) -> Flow[Verdict]:
        """Whether the response was made with the user's password, for this request, and just now."""
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
        # The name as it is stored: a store that folds case must not multiply the attempts.
        account = found.user.username if found is not None else name or f"userhash {credentials.userhash}"
        counted = (yield from self._attempts.on_account(account, request)) if self._attempts.are_counted else None
        # An unknown user costs the same hashes as a known one.
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
        """When the nonce was issued, if the response was made for a challenge of ours and for this request."""
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
        # Both must be returned as they were sent (RFC 7616 §3.4).
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
        """The whole body; None when it is too large, or ends early."""
        try:
            return (yield from Ask(request.read_body, self._max_body))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, BodyTooLarge | BodyIncomplete):
                return None
            raise

    def _spend(self, credentials: DigestResponse, issued: int) -> Flow[Rejected | None]:
        """Use up the count of a nonce; only ever for a right digest, so that a failed try uses none up (DIG-3)."""
        if not -self._max_age < self._clock() - issued < self._max_age:
            return Rejected(Reason.DIGEST_STALE)
        # Kept twice as long as it counts here, for other hosts that share the store and have another time.
        expires_at = issued + 2 * self._max_age
        outcome = yield from Ask(self._nonces.use_nonce, credentials.nonce, int(credentials.nc, 16), expires_at)
        return None if outcome is NonceUse.FRESH else Rejected(Reason.DIGEST_REPLAYED)

    def _authentication_info(self, rspauth: str, credentials: DigestResponse, issued: int) -> str:
        """``Authentication-Info`` (RFC 7616 §3.5).

        Its qop is always ``auth``, to a request with ``auth-int`` too: bodies of responses stream, and so cannot be
        hashed before the head is sent.
        """
        info = f'rspauth="{rspauth}", qop=auth, cnonce="{credentials.cnonce}", nc={credentials.nc}'
        if 2 * (self._clock() - issued) <= self._max_age:
            return info
        return f'{info}, nextnonce="{self.nonces.issue(credentials.realm)}"'


class _Algorithm:
    """One algorithm that is offered: its hash, and an HA1 for users who have none."""

    def __init__(self, name: DigestSessAlgorithm, random: Callable[[int], bytes]) -> None:
        self.is_session = name.endswith("-sess")
        self.base: DigestAlgorithm = cast("DigestAlgorithm", name.removesuffix("-sess"))
        self.h = hash_of(self.base)
        self.dummy = self.h(random(32))


class _Session:
    """What client and server prove to each other that they know: one HA1, for one nonce and cnonce."""

    __slots__ = ("_credentials", "_h", "_ha1")

    def __init__(self, algorithm: _Algorithm, ha1: str | None, credentials: DigestResponse) -> None:
        self._h = algorithm.h
        self._credentials = credentials
        # From an empty HA1 anybody could compute responses.
        usable = ha1 if ha1 is not None and len(ha1) == len(algorithm.dummy) else algorithm.dummy
        if algorithm.is_session:
            usable = session_ha1(self._h, usable, nonce=credentials.nonce, cnonce=credentials.cnonce)
        self._ha1 = usable

    def is_answered(self, method: str, body: bytes | None) -> bool:
        """Whether the client knows it, compared in constant time as bytes (DIG-7)."""
        expected = self._kd(self._credentials.qop, ha2(self._h, method=method, uri=self._credentials.uri, body=body))
        return hmac.compare_digest(expected.encode(), self._credentials.response.encode("utf-8", "replace"))

    def rspauth(self) -> str:
        """The proof that the server knows it too."""
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
    """`algorithms` in the given order, each once, with MD5 behind all others (RFC 7616 §3.7)."""
    return tuple(sorted(dict.fromkeys(algorithms), key=lambda name: name.startswith("MD5")))


def is_target(uri: str, request: RequestHead) -> bool:
    """Whether `uri` is the target of `request`: path and query as the client sent them (RFC 7616 §3.4.6).

    They are compared as they stand, so an absolute-form only equals itself. Where the server hands over no raw path,
    the decoded paths are compared: those the application routes by.
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
    from authmw.stores.memory.nonces import MemoryNonces

    return MemoryNonces(clock=clock)


def _checked(found: object) -> DigestUser | None:
    if found is None:
        return None
    if not isinstance(found, DigestUser):
        raise FlowError(f"find_digest answers a DigestUser or None, not {type(found).__name__}")
    checked_user(found.user, "find_digest")
    return found
