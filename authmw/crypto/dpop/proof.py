"""DPoP proofs (RFC 9449 §4.2, §4.3): a strict reader that verifies the signature and returns the claims.

Rule 1: a proof is the only token that contains its own key. It proves only that its sender has this key. That counts
only together with an access token that is bound to the same key.
Rule 2: no proof makes the reader raise, and all work is limited before it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from typing import Any, Final, cast

from authmw.crypto.claims import is_date, is_identifier
from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import usual_name
from authmw.crypto.jose.key_formats import PRIVATE_MEMBERS
from authmw.crypto.jose.strict_json import JSONObject, parse_object
from authmw.crypto.jws import media_type, shown
from authmw.crypto.key import Key
from authmw.errors import ConfigurationError
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected

# The client chooses the key. With 4096 bits and an exponent of 32 bits, a verification takes less than a millisecond.
_LONGEST_RSA: Final = {"n": 683, "e": 6}  # characters of base64url


@dataclass(frozen=True, slots=True)
class Proof:
    """The claims of a proof with a valid signature. The verifier still compares them with the request.

    Args:
        thumbprint: the thumbprint of the key that signed (RFC 7638).
        jti: the identifier of this proof among the proofs of its key.
        method: ``htm``, the method of the request.
        url: ``htu``, the URL of the request.
        issued_at: ``iat``, in seconds since the epoch.
        token_hash: ``ath``, the hash of the access token; None without ``ath``.
        nonce: the nonce of the server; None without ``nonce``.
        begins_at: ``nbf``, in seconds since the epoch; 0 without ``nbf``.
        expires_at: ``exp``, in seconds since the epoch; infinity without ``exp``.
    """

    thumbprint: str
    jti: str
    method: str
    url: str
    issued_at: float
    token_hash: str | None = field(repr=False)
    nonce: str | None = field(repr=False)
    begins_at: float
    expires_at: float


def read_proof(text: str, algorithms: frozenset[str]) -> Proof | Rejected:
    """The proof in a ``DPoP`` header, signed by the key in it. Never raises.

    Args:
        text: the value of the header. Several headers, whose values are joined by commas, are no proof.
        algorithms: the accepted ``alg`` values.

    >>> read_proof("a.b.c, d.e.f", frozenset({"ES256"})).detail
    'not three segments of base64url: more than one DPoP header?'
    """
    # The size is limited before anything is split or decoded, so that no proof costs much time or memory.
    if len(text) > MAX_CREDENTIAL_LENGTH:
        return _malformed(f"longer than {MAX_CREDENTIAL_LENGTH} characters")
    octets = text.strip(" \t").encode("utf-8", "replace")
    segments = octets.split(b".", 3)
    if len(segments) != 3 or b"" in segments or b"," in octets:
        return _malformed("not three segments of base64url: more than one DPoP header?")
    head, body, tail = segments
    key = _key_in(head, algorithms)
    if isinstance(key, Rejected):
        return key
    payload, signature = base64url.decode(body), base64url.decode(tail)
    if payload is None or signature is None:
        return _malformed("not canonical base64url")
    if not key.verify(octets[: -len(tail) - 1], signature):
        return Rejected(Reason.PROOF_SIGNATURE, f"not signed by its own key {key.kid}")
    try:
        claims = parse_object(payload)
    except ValueError as error:
        return _malformed(f"the payload: {error}")
    return _proof(key.kid, claims)


def _proof(thumbprint: str, claims: JSONObject) -> Proof | Rejected:
    for name in ("jti", "htm", "htu", "iat"):
        if name not in claims:
            return _malformed(f"{name} is missing")
    jti, method, url = claims["jti"], claims["htm"], claims["htu"]
    if not (is_identifier(jti) and isinstance(method, str) and isinstance(url, str)):
        return _malformed("jti is no identifier, or htm or htu no string")
    begins, expires = claims.get("nbf", 0), claims.get("exp", inf)
    if not (is_date(claims["iat"], begins) and (is_date(expires) or "exp" not in claims)):
        return _malformed("iat, nbf or exp is no number of seconds")
    token_hash, nonce = claims.get("ath"), claims.get("nonce")
    if not (isinstance(token_hash, str | None) and isinstance(nonce, str | None)):
        return _malformed("ath or nonce is no string")
    return Proof(thumbprint, jti, method, url, claims["iat"], token_hash, nonce, begins, expires)


# A client signs all its proofs under the same header, so that its key is made once. A cached key proves nothing: the
# cache only maps the text of a header to the key in it.
@lru_cache(maxsize=256)
def _key_in(segment: bytes, algorithms: frozenset[str]) -> Key | Rejected:
    """The public key in the header of a proof, named by its thumbprint."""
    octets = base64url.decode(segment)
    if octets is None:
        return _malformed("the header is not canonical base64url")
    try:
        header = parse_object(octets)
    except ValueError as error:
        return _malformed(f"the header: {error}")
    # RFC 7515 §4.1.11: a token with an extension that is not understood is refused. This reader understands none, and
    # not `b64` either (RFC 7797 §6).
    for name in ("crit", "b64"):
        if name in header:
            return _malformed(f"the header has {name}, which is not supported")
    typ, alg, jwk = header.get("typ"), header.get("alg"), header.get("jwk")
    if not isinstance(typ, str) or media_type(typ) != "dpop+jwt":
        return _malformed(f"typ is {shown(typ)} and not dpop+jwt")
    if not isinstance(alg, str) or usual_name(alg) not in algorithms:
        return _malformed(f"alg is {shown(alg)}; accepted: {', '.join(sorted(algorithms))}")
    if not isinstance(jwk, dict):
        return Rejected(Reason.PROOF_KEY, "no jwk")
    return _public_key(cast("dict[str, Any]", jwk), alg)


def _public_key(jwk: Mapping[str, Any], alg: str) -> Key | Rejected:
    secret = sorted(PRIVATE_MEMBERS.intersection(jwk))
    if secret:
        # RFC 9449 §4.3: the jwk contains no private key. A private key that was sent is no longer secret.
        return Rejected(Reason.PROOF_KEY, f"the jwk has the private members {', '.join(secret)}")
    if any(isinstance(jwk.get(name), str) and len(jwk[name]) > longest for name, longest in _LONGEST_RSA.items()):
        return Rejected(Reason.PROOF_KEY, "an RSA key has at most 4096 bits, and an exponent of 32")
    # The kid of the jwk is left out, so that the name of the key is its thumbprint. That is made of the numbers of the
    # key, not of their text.
    members = {name: value for name, value in jwk.items() if name != "kid"}
    try:
        return Key.from_jwk(members, alg=alg)
    except ConfigurationError as error:
        return Rejected(Reason.PROOF_KEY, "; ".join(error.mistakes))


def _malformed(detail: str) -> Rejected:
    return Rejected(Reason.PROOF_MALFORMED, detail)
