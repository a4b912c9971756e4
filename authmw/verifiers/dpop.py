"""Verifier of tokens that are bound to a key, with the proof that the sender has the key (RFC 9449 §4.3, §7).

Cheap checks come first: the proof itself, then whether it is for this request and this token, then the token. The
``jti`` of the proof comes last, so a refused request never uses up a ``jti``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256
from hmac import compare_digest
from types import GeneratorType
from typing import Any, ClassVar, Final, cast

from authmw.crypto.claims import MAX_LEEWAY
from authmw.crypto.dpop.nonces import DPoPNonces
from authmw.crypto.dpop.proof import Proof, read_proof
from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ASYMMETRIC, usual_name
from authmw.crypto.jws import shown
from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow
from authmw.http.public_url import PublicURLs
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BoundToken, DPoPToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.memory.nonces import MemoryNonces
from authmw.stores.ports import NonceStore, require_methods
from authmw.stores.records import NonceUse
from authmw.verifiers.base import Verifier

DEFAULT_ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519", "PS256", "RS256", "ES384", "ES512")
"""Default signature algorithms of proofs: all that known clients use."""
_MARGIN: Final = 60  # seconds that a jti is kept longer, for hosts that share the store and whose clocks differ
_MAX_AGE: Final = 300


@explains_arguments('DPoPVerifier(JWTVerifier(...), public_url="https://...")')
class DPoPVerifier:
    """Verifies `DPoPToken`, for `HTTPDPoP`: an access token, and a proof by the key that the token is bound to.

    The verdict is never remembered: each request brings its own proof, which is valid once.

    Args:
        tokens: verifies the access token and its binding: a `JWTVerifier`, or a custom verifier that has `BoundToken`
            in its ``accepts`` and calls `authmw.issuers.refuse_sender`.
        public_url: the URL at which clients reach the application: ``https://api.example``, with a path that a proxy
            removes. Several, if the application has several names. A proof names the URL that the client sees. The
            ``Host`` of a request is never used for the comparison.
        algorithms: the signature algorithms of proofs, listed to clients in this order.
        nonces: keeps each used ``jti``; in this process by default. Several processes need to share one. Otherwise a
            proof that one process has seen can be replayed to another.
        server_nonces: issues nonces; then each proof must contain one. The age of a proof is then the age of its nonce,
            and its ``iat`` does not count.
        max_age: seconds after its ``iat`` for which a proof is valid; 300 at most.
        leeway: seconds by which the clock of the client may differ in addition; 60 at most.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> from authmw import Auth, HTTPDPoP, JWTVerifier, KeyRing
    >>> tokens = JWTVerifier(KeyRing.generate(), issuer="https://id.example", audience="orders")
    >>> auth = Auth(HTTPDPoP(DPoPVerifier(tokens, public_url="https://api.example")))
    """

    asks: ClassVar[tuple[str, ...]] = ("use_nonce",)
    """The methods of stores that it calls."""
    accepts: ClassVar[tuple[type, ...]] = (DPoPToken,)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""

    def __init__(
        self,
        tokens: Verifier[BoundToken],
        *,
        public_url: str | Collection[str],
        algorithms: Collection[str] = DEFAULT_ALGORITHMS,
        nonces: NonceStore | None = None,
        server_nonces: DPoPNonces | None = None,
        max_age: Seconds = 60,
        leeway: Seconds = 30,
        clock: Callable[[], float] = now,
    ) -> None:
        max_age, leeway = seconds(max_age, "max_age"), seconds(leeway, "leeway")
        mistakes = [*_mistakes_in_tokens(tokens), *_mistakes_in_algorithms(algorithms)]
        if not 0 < max_age <= _MAX_AGE or not 0 <= leeway <= MAX_LEEWAY:
            mistakes.append(f"max_age= of a proof is 1 to {_MAX_AGE} seconds, and leeway= 0 to {MAX_LEEWAY}")
        try:
            self._urls = PublicURLs(public_url)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        if nonces is not None:
            require_methods("nonces=", nonces, "use_nonce")
        self.algorithms: tuple[str, ...] = tuple(dict.fromkeys(algorithms))
        self._allowed = frozenset(map(usual_name, self.algorithms))
        self.tokens: Verifier[BoundToken] = tokens
        """Verifies the tokens."""
        self._nonces = _in_this_process(clock) if nonces is None else nonces
        self._server_nonces = server_nonces
        self._max_age: float = max_age
        self._leeway: float = leeway
        self._clock = clock

    @property
    def expects(self) -> str:
        """The kind of token that it knows, for the log."""
        return str(getattr(self.tokens, "expects", ""))

    def verify(self, credentials: DPoPToken, request: RequestHead, /) -> Flow[Verdict | None]:
        """The verdict on token and proof: for this request, by the key of the token, not used before.

        None if the token is of another kind.
        """
        proof = read_proof(credentials.proof, self._allowed)
        if isinstance(proof, Rejected):
            return proof
        until = self._judge(proof, credentials.token, request)
        if isinstance(until, Rejected):
            return until
        answer: Any = self.tokens.verify(BoundToken(credentials.token, proof.thumbprint), request)
        if isinstance(answer, GeneratorType):
            answer = yield from cast("Flow[Verdict | None]", answer)
        verdict = cast("Verdict | None", answer)  # the engine refuses any other type
        if not isinstance(verdict, Authenticated):
            return verdict
        # Digests, because the client chooses the jti and its length. The names of each key begin alike, so that a store
        # can bound what one key uses.
        key, use = token_digest(proof.thumbprint), token_digest(f"{proof.thumbprint}\n{proof.jti}")
        name = f"dpop:{key[:20]}:{use[:43]}"
        outcome = yield from Ask(self._nonces.use_nonce, name, 1, until + _MARGIN)
        if outcome is not NonceUse.FRESH:
            return Rejected(Reason.PROOF_REPLAYED, f"jti {shown(proof.jti)}")
        headers = (*verdict.headers, *self._renewal(proof))
        return Authenticated(verdict.principal, headers=headers, validities=verdict.validities)

    def _judge(self, proof: Proof, token: str, request: RequestHead) -> float | Rejected:
        """The end of the proof (seconds since the epoch), if it is for this request and this token."""
        if proof.method != request.method:
            return _misplaced(f"htm is {shown(proof.method)}, and the method {shown(request.method)}")
        if not self._urls.matches(proof.url, request):
            path = request.public_path  # without the query, which may hold secrets
            return _misplaced(f"htu is {shown(proof.url)}, and the path {shown(path)}: see public_url=")
        expected = base64url.encode(sha256(token.encode()).digest())
        if proof.token_hash is None or not compare_digest(proof.token_hash.encode(), expected):
            return _misplaced("ath is not that of the token")
        now = self._clock()
        if now >= proof.expires_at or proof.begins_at > now + self._leeway:
            return Rejected(Reason.PROOF_STALE, "past its exp, or before its nbf")
        if self._server_nonces is not None:
            return self._judge_nonce(proof, self._server_nonces, now)
        until = proof.issued_at + self._max_age + self._leeway
        if now >= until or proof.issued_at > now + self._leeway:
            return Rejected(Reason.PROOF_STALE, f"iat is {now - proof.issued_at:.0f} s ago")
        return until

    def _judge_nonce(self, proof: Proof, nonces: DPoPNonces, now: float) -> float | Rejected:
        issued = None if proof.nonce is None else nonces.issued_at(proof.nonce)
        # RFC 9449 §4.3: this server wrote the time in the nonce, so the clock of the client does not matter. The clock
        # of the host that issued it may be ahead of this one.
        if issued is not None and -self._leeway <= now - issued < nonces.max_age:
            return issued + nonces.max_age
        detail = "no nonce" if proof.nonce is None else "not our nonce" if issued is None else "an old nonce"
        return Rejected(Reason.PROOF_NONCE, detail, headers=(("DPoP-Nonce", nonces.issue()),))

    def _renewal(self, proof: Proof) -> tuple[tuple[str, str], ...]:
        """The header with the next nonce, once the nonce of the client is past half of its time (RFC 9449 §8.2)."""
        nonces = self._server_nonces
        issued = None if nonces is None or proof.nonce is None else nonces.issued_at(proof.nonce)
        if nonces is None or issued is None or 2 * (self._clock() - issued) <= nonces.max_age:
            return ()
        # A cached response would bring an old nonce.
        return ("DPoP-Nonce", nonces.issue()), ("Cache-Control", "no-store")

    def __repr__(self) -> str:
        return f"DPoPVerifier({self.tokens!r})"


def _misplaced(detail: str) -> Rejected:
    return Rejected(Reason.PROOF_MISPLACED, detail)


def _mistakes_in_tokens(tokens: object) -> list[str]:
    if isinstance(tokens, type) or not hasattr(tokens, "verify"):
        return ["DPoPVerifier needs a verifier of access tokens: DPoPVerifier(JWTVerifier(...), public_url=...)"]
    if BoundToken not in getattr(tokens, "accepts", ()):
        return [
            f"{type(tokens).__name__} does not check the binding of a token, so DPoPVerifier cannot use it: "
            "give it a JWTVerifier(...), or add BoundToken to the accepts of your verifier and call "
            "authmw.issuers.refuse_sender"
        ]
    return []


def _mistakes_in_algorithms(algorithms: Collection[object]) -> list[str]:
    if isinstance(algorithms, str) or not algorithms or not set(algorithms).issubset(ASYMMETRIC):
        return [f"algorithms= is a list of some of {', '.join(ASYMMETRIC)}: a proof is signed by a private key"]
    return []


def _in_this_process(clock: Callable[[], float]) -> NonceStore:
    return MemoryNonces(clock=clock)
