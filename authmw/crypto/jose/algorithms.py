"""Table of the allowed signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1), with the kind of key for each.

The table is the allow-list: it does not contain ``none``, in any spelling. PyJWT implements the algorithms.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

KeyType = Literal["oct", "RSA", "EC", "OKP"]
"""The ``kty`` of a JWK (RFC 7518 §6.1, RFC 8037 §2)."""


class SignatureAlgorithm(NamedTuple):
    """One row of the table.

    Args:
        name: the ``alg``.
        kty: the only type of key for this algorithm.
        size: for ``oct``, the octets of the hash: the minimum length of a secret (RFC 7518 §3.2) and the length of a
            signature. For curves, the octets of one coordinate or key. 0 for RSA.
        curve: for curves, the ``crv`` of the key.
        curve_name: for curves, the name of the curve in `cryptography`.
    """

    name: str
    kty: KeyType
    size: int = 0
    curve: str = ""
    curve_name: str = ""


ALGORITHMS: Final = {
    row.name: row
    for row in (
        SignatureAlgorithm("HS256", "oct", 32),
        SignatureAlgorithm("HS384", "oct", 48),
        SignatureAlgorithm("HS512", "oct", 64),
        SignatureAlgorithm("RS256", "RSA"),
        SignatureAlgorithm("RS384", "RSA"),
        SignatureAlgorithm("RS512", "RSA"),
        SignatureAlgorithm("PS256", "RSA"),
        SignatureAlgorithm("PS384", "RSA"),
        SignatureAlgorithm("PS512", "RSA"),
        SignatureAlgorithm("ES256", "EC", 32, "P-256", "secp256r1"),
        SignatureAlgorithm("ES384", "EC", 48, "P-384", "secp384r1"),
        SignatureAlgorithm("ES512", "EC", 66, "P-521", "secp521r1"),
        SignatureAlgorithm("EdDSA", "OKP", 32, "Ed25519", "ed25519"),
    )
}
"""``alg`` → its row, for every allowed algorithm."""

ASYMMETRIC: Final = (*(name for name, row in ALGORITHMS.items() if row.kty != "oct"), "Ed25519")
"""Every accepted name of an algorithm with a public key."""


def usual_name(alg: str) -> str:
    """The name of the algorithm in the table. RFC 9864 §2.2 calls EdDSA with the curve Ed25519 by the curve's name.

    >>> usual_name("Ed25519"), usual_name("ES256"), usual_name("ed25519")
    ('EdDSA', 'ES256', 'ed25519')
    """
    return "EdDSA" if alg == "Ed25519" else alg
