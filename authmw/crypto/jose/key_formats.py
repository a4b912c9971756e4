"""Keys as text: from PEM, a JWK or a secret, and back to a JWK. Whatever is ambiguous is refused.

Bytes that look like a key of another type are no secret: a public key taken for an HMAC secret lets everybody sign
(RFC 8725 §2.1, §3.1).
"""

from __future__ import annotations

import hashlib
import json
from binascii import Error as Base64Error
from binascii import a2b_base64, unhexlify
from collections.abc import Mapping
from typing import Any, Final, cast

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ALGORITHMS, SignatureAlgorithm
from authmw.crypto.jose.key_material import Material
from authmw.errors import ConfigurationError

# The members that make the key itself (RFC 7518 §6, RFC 8037 §2): (public, private), in order of the thumbprint.
_MEMBERS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "oct": (("k",), ()),
    "RSA": (("e", "n"), ("d", "p", "q", "dp", "dq", "qi")),
    "EC": (("x", "y"), ("d",)),
    "OKP": (("x",), ("d",)),
}
PRIVATE_MEMBERS: Final[frozenset[str]] = frozenset(
    {"k", "oth", *(name for _, private in _MEMBERS.values() for name in private)}
)
"""The members that nobody publishes: the secret, and what makes a key private (RFC 7518 §6, RFC 8037 §2)."""
_THUMBPRINT: Final = {
    "oct": ("k", "kty"),
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


_SSH_KEYS: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"PuTTY-User-Key-File")


def from_secret(secret: object) -> bytes:
    """The octets of a secret.

    Raises:
        ConfigurationError: it is empty, or the text of a key of another type.
    """
    octets = secret.encode("utf-8") if isinstance(secret, str) else secret
    if not isinstance(octets, bytes) or not octets.strip():
        raise ConfigurationError("the secret is empty: is the environment variable it comes from set?")
    if _is_key_text(octets):
        raise ConfigurationError(
            "the secret is the text of a key or certificate: load it with Key.from_pem() or Key.from_jwk(); "
            "a public key as an HMAC secret would let everybody sign"
        )
    return octets


def _is_key_text(octets: bytes) -> bool:
    import jwt

    text = octets.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\"'")
    if b"---- BEGIN" in text or b"-----BEGIN" in text or text.startswith(_SSH_KEYS):
        return True
    # The body of a PEM file without its armour, and the other ways to write DER as text.
    body = b"".join(text.split())
    candidates = [octets, text, *(decode(body) for decode in (_from_base64, _from_base64url, _from_hex))]
    hmac = jwt.get_algorithm_by_name("HS256")
    for candidate in filter(None, candidates):
        try:
            # PyJWT knows PEM, SSH, DER and JWK.
            hmac.prepare_key(candidate)
        except jwt.InvalidKeyError:
            return True
        if _is_der_private_key(candidate):
            return True
    return False


def _from_base64(text: bytes) -> bytes | None:
    try:
        return a2b_base64(text, strict_mode=True)
    except Base64Error:
        return None


def _from_base64url(text: bytes) -> bytes | None:
    return base64url.decode(text.rstrip(b"="))


def _from_hex(text: bytes) -> bytes | None:
    try:
        return unhexlify(text)
    except Base64Error:
        return None


def _is_der_private_key(octets: bytes) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    if not octets.startswith(b"0"):  # an ASN.1 SEQUENCE
        return False
    try:
        load_der_private_key(octets, password=None)
    except (ValueError, UnsupportedAlgorithm):
        return False
    except TypeError:  # it is one, and encrypted
        return True
    return True


def from_pem(pem: str | bytes, password: bytes | None) -> Material:
    """The private or public key in PEM text.

    Raises:
        ConfigurationError: it holds something else, or does not load.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    octets = pem.encode("utf-8") if isinstance(pem, str) else pem
    if b"-----BEGIN" not in octets:
        raise ConfigurationError("this is not PEM text: pass the text of the file, Path(...).read_text(), not its name")
    if b"-----BEGIN CERTIFICATE" in octets:
        raise ConfigurationError("this is a certificate: take its key out with `openssl x509 -pubkey -noout`")
    try:
        if b"PUBLIC KEY-----" in octets:
            return load_pem_public_key(octets)
        return load_pem_private_key(octets, password)
    except TypeError:
        needed = "give password=" if password is None else "leave password= out"
        raise ConfigurationError(f"the PEM text does not load with this password: {needed}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "the PEM text holds no private or public key that loads: is it complete, and the password right?"
        ) from None


def from_jwk(jwk: Mapping[str, Any], algorithm: SignatureAlgorithm) -> Material:
    """The key in a JWK (RFC 7517) whose metadata was looked at by `mistakes_in_jwk`.

    Raises:
        ConfigurationError: a member is missing, is not canonical base64url, or the members do not fit together.
    """
    import jwt

    public, private = _MEMBERS[algorithm.kty]
    present = (*public, *(name for name in private if name in jwk))
    bad = [name for name in present if not base64url.decode_member(jwk.get(name))]
    if bad:
        raise ConfigurationError(*(f"the member {name!r} is missing, empty or not canonical base64url" for name in bad))
    try:
        return jwt.get_algorithm_by_name(algorithm.name).from_jwk(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ConfigurationError(
            f"the members of this {algorithm.kty} key do not fit together: export it again from where it came"
        ) from None


def mistakes_in_jwk(jwk: Mapping[str, Any]) -> list[str]:
    """What the metadata of a JWK says against signing and verifying with it (RFC 7517 §4)."""
    mistakes: list[str] = []
    if jwk.get("kty") not in tuple(_MEMBERS):
        mistakes.append(f"kty is not one of {', '.join(_MEMBERS)}")
    if jwk.get("use", "sig") != "sig":
        mistakes.append("use is not 'sig': a key for encryption signs nothing; make a key of its own for signing")
    operations = jwk.get("key_ops")
    if operations is not None and not _are_operations(operations):
        mistakes.append("key_ops holds something else than 'sign' and 'verify'")
    elif operations is not None and not _needed_operations(jwk).intersection(operations):
        mistakes.append(f"key_ops does not allow to {' or '.join(sorted(_needed_operations(jwk)))}")
    return mistakes


def _are_operations(value: object) -> bool:
    return isinstance(value, list) and all(operation in ("sign", "verify") for operation in cast("list[object]", value))


def _needed_operations(jwk: Mapping[str, Any]) -> set[str]:
    # A private key may say `sign` only; what verifies is the public key in it.
    return {"sign", "verify"} if "d" in jwk else {"verify"}


def infer_algorithm(jwk: Mapping[str, Any]) -> str | None:
    """The only algorithm that works with the curve of a JWK; None for secrets and RSA keys."""
    return next((row.name for row in ALGORITHMS.values() if row.curve and row.curve == jwk.get("crv")), None)


def to_jwk(material: Material, algorithm: SignatureAlgorithm) -> dict[str, str]:
    """The members of a JWK that make the key itself, private ones included where `material` has them."""
    import jwt

    members: dict[str, Any] = jwt.get_algorithm_by_name(algorithm.name).to_jwk(material, as_dict=True)
    return {name: value for name, value in members.items() if name != "key_ops"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The SHA-256 thumbprint of a JWK (RFC 7638 §3), which is the same for its private and its public form."""
    required = {name: jwk[name] for name in _THUMBPRINT[jwk["kty"]]}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode("ascii")
    return base64url.encode(hashlib.sha256(canonical).digest()).decode("ascii")
