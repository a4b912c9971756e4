"""Key material: its kind, and the checks that it fits its algorithm (RFC 8725 §3.1, §3.2, §3.5).

Material is a typed object, never text that might be a key.
"""

from __future__ import annotations

from typing import Any, Final

from authmw.crypto.jose.algorithms import ALGORITHMS, SignatureAlgorithm

Material = Any
"""The octets of a secret, or a private or public key of `cryptography`: the types that PyJWT's algorithms accept."""

MIN_RSA_BITS: Final = 2048
"""The minimum size of an RSA key (RFC 7518 §3.3), in bits."""
_P_25519: Final = 2**255 - 19
# The y of the eight points of order 1, 2, 4 and 8.
_Y_OF_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset({0, 1, _P_25519 - 1, _Y_OF_ORDER_8, _P_25519 - _Y_OF_ORDER_8})
_GENERATED_RSA_BITS: Final = 3072  # NIST SP 800-57 part 1, table 4: acceptable after 2030


def generate(algorithm: SignatureAlgorithm) -> Material:
    """New private material for `algorithm`, from the random source of the operating system."""
    if algorithm.kty == "oct":
        import secrets

        return secrets.token_bytes(algorithm.size)
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm.kty == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=_GENERATED_RSA_BITS)
    if algorithm.kty == "EC":
        curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[algorithm.curve]
        return ec.generate_private_key(curve)
    return ed25519.Ed25519PrivateKey.generate()


def infer_algorithm(material: Material) -> str | None:
    """The only algorithm for `material`; None for secrets and RSA keys, which have several."""
    curve = _curve_name(material)
    return next((row.name for row in ALGORITHMS.values() if row.curve_name and row.curve_name == curve), None)


def mistakes_in_material(material: Material, algorithm: SignatureAlgorithm) -> list[str]:
    """The mistakes in `material` as a key of `algorithm`, each with its fix."""
    kty = _kty(material)
    if kty != algorithm.kty:
        return [f"{algorithm.name} needs a key of type {algorithm.kty}, and this is {kty}"]
    if kty == "oct":
        if len(material) < algorithm.size:
            return [
                f"a secret for {algorithm.name} has at least {algorithm.size} bytes (RFC 7518 §3.2), this one has "
                f"{len(material)}: python -c 'import secrets; print(secrets.token_urlsafe({algorithm.size}))'"
            ]
        return []
    if kty == "RSA":
        return _mistakes_in_rsa(material)
    if _curve_name(material) != algorithm.curve_name:
        return [
            f"{algorithm.name} needs a key on the curve {algorithm.curve}, and this one is on {_curve_name(material)}"
        ]
    return _mistakes_in_ed25519(material) if kty == "OKP" else []


def _mistakes_in_ed25519(material: Material) -> list[str]:
    # The highest bit is the sign of the other coordinate.
    y = int.from_bytes(public(material).public_bytes_raw(), "little") % 2**255
    if y >= _P_25519:
        return ["this Ed25519 key is not written canonically (RFC 8032 §5.1.3): export the key again from its source"]
    if y in _SMALL_ORDER:
        return ["this Ed25519 key is a point of small order, for which everybody can sign: make a new key"]
    return []


def _mistakes_in_rsa(material: Material) -> list[str]:
    numbers = public(material).public_numbers()
    mistakes: list[str] = []
    if material.key_size < MIN_RSA_BITS:
        mistakes.append(
            f"an RSA key has at least {MIN_RSA_BITS} bits (RFC 7518 §3.3), this one has {material.key_size}"
        )
    if numbers.e < 3 or numbers.e % 2 == 0:
        mistakes.append("the exponent of an RSA key is odd and at least 3: make a new key")
    if _is_roca(numbers.n):
        mistakes.append("this RSA key was made by a chip whose keys can be factored (CVE-2017-15361): make a new key")
    return mistakes


def _is_roca(modulus: int) -> bool:
    """Whether `modulus` is a power of 65537 modulo each small prime. Only the keys of those chips are."""
    primes = [n for n in range(3, 168) if all(n % d for d in range(2, n))]
    return all(modulus % prime in {pow(65537, power, prime) for power in range(prime)} for prime in primes)


def _kty(material: Material) -> str:
    if isinstance(material, bytes):
        return "oct"
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(material, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return "RSA"
    if isinstance(material, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return "EC"
    if isinstance(material, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "OKP"
    return type(material).__name__


def _curve_name(material: Material) -> str:
    kty = _kty(material)
    return str(material.curve.name) if kty == "EC" else "ed25519" if kty == "OKP" else ""


def signature_length(material: Material, algorithm: SignatureAlgorithm) -> int:
    """The length of a signature, in octets: that of the hash (RFC 7518 §3.2), of the modulus (§3.3), or of R and S
    (§3.4, RFC 8032 §5.1.6)."""
    if algorithm.kty == "RSA":
        return (int(material.key_size) + 7) // 8
    return algorithm.size if algorithm.kty == "oct" else 2 * algorithm.size


def is_private(material: Material) -> bool:
    """Whether `material` is a secret or a private key, which can sign."""
    return isinstance(material, bytes) or hasattr(material, "sign")


def public(material: Material) -> Material:
    """The public key of `material`. For a secret, `material` itself."""
    return material.public_key() if hasattr(material, "public_key") else material
