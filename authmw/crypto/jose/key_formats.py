"""Key formats: readers of PEM, JWK and secrets, and a writer of JWK. Ambiguous input is refused.

A text that looks like a key of another type is refused as a secret. With a public key as HMAC secret, everybody could
sign (RFC 8725 §2.1, §3.1).
"""

from __future__ import annotations

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, unhexlify
from collections.abc import Mapping
from typing import Any, Final, cast

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ALGORITHMS, SignatureAlgorithm
from authmw.crypto.jose.key_material import Material
from authmw.errors import ConfigurationError

# The members of the key itself (RFC 7518 §6, RFC 8037 §2): (public, private).
_MEMBERS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "oct": (("k",), ()),
    "RSA": (("e", "n"), ("d", "p", "q", "dp", "dq", "qi")),
    "EC": (("x", "y"), ("d",)),
    "OKP": (("x",), ("d",)),
}
PRIVATE_MEMBERS: Final[frozenset[str]] = frozenset(
    {"k", "oth", *(name for _, private in _MEMBERS.values() for name in private)}
)
"""The members that must not be published: secrets and the members of private keys (RFC 7518 §6, RFC 8037 §2)."""
_THUMBPRINT: Final = {
    "oct": ("k", "kty"),
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


_AROUND: Final = b" \t\r\n\"'"
# Compiled when a PEM is read: most keys are JWKs.
_ESCAPED_LINE_END: Final = rb"(?:\\+r)?\\+n"
_PEM_BLOCK: Final = rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----"
_SSH_KEYS: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"PuTTY-User-Key-File")


def from_secret(secret: object) -> bytes:
    """The octets of a secret.

    Raises:
        ConfigurationError: the secret is empty, or it is the text of a key of another type.
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
    # The body of a PEM file without its first and last line, and DER in base64, base64url or hex.
    body = b"".join(text.split())
    candidates = [octets, text, *(decode(body) for decode in (_from_base64, _from_base64url, _from_hex))]
    hmac = jwt.get_algorithm_by_name("HS256")
    for candidate in filter(None, candidates):
        try:
            # PyJWT recognises PEM, SSH, DER and JWK.
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
    except TypeError:  # a private key that is encrypted
        return True
    return True


def from_pem(pem: str | bytes, password: bytes | None) -> Material:
    """The private or public key in PEM text.

    Raises:
        ConfigurationError: the text contains something else, or the key does not load.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    octets = _as_in_a_file(pem.encode("utf-8") if isinstance(pem, str) else pem)
    if b"-----BEGIN" not in octets:
        raise ConfigurationError(_why_not_pem(octets))
    if b"-----END" not in octets:
        raise ConfigurationError(
            "the PEM text has no -----END line: an .env file keeps the first line alone unless the value is in quotes"
        )
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
            "the PEM text contains no key that loads: check that the text is complete and that password= is right"
        ) from None


def _as_in_a_file(octets: bytes) -> bytes:
    """PEM text as it stands in a file (RFC 7468 §2), however an environment variable or a YAML file changed it.

    Its line ends may be written as ``\\n``, removed or replaced by spaces. Its lines may be indented. It may be in
    quotes, and it may be encoded in base64 as a whole.
    """
    text = octets.removeprefix(b"\xef\xbb\xbf").strip(_AROUND)
    if b"-----BEGIN" not in text:
        decoded = _from_base64(b"".join(text.split())) or b""
        text = decoded.strip(_AROUND) if b"-----BEGIN" in decoded else text
    return re.sub(_PEM_BLOCK, _rewritten, re.sub(_ESCAPED_LINE_END, b"\n", text), flags=re.DOTALL)


def _rewritten(block: re.Match[bytes]) -> bytes:
    label, body = block.groups()
    if b":" in body:  # an encrypted key of OpenSSL's older format has headers before its base64 (RFC 1421 §4.6)
        lines = [line.strip() for line in body.strip().splitlines()]
    else:
        joined = b"".join(body.split())
        lines = [joined[at : at + 64] for at in range(0, len(joined), 64)]
    return b"\n".join((b"-----BEGIN %s-----" % label, *lines, b"-----END %s-----\n" % label))


def _why_not_pem(text: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    der = _from_base64(b"".join(text.split())) or b""
    kind = "PRIVATE" if _is_der_private_key(der) else ""
    try:
        load_der_public_key(der)
        kind = "PUBLIC"
    except (ValueError, UnsupportedAlgorithm):
        pass
    if kind:
        return (
            f"this is the base64 of a key without its first and last line: put it between -----BEGIN {kind} KEY----- "
            f"and -----END {kind} KEY-----"
        )
    return "this is not PEM text: pass the text of the file, Path(...).read_text(), not its name"


def from_jwk(jwk: Mapping[str, Any], algorithm: SignatureAlgorithm) -> Material:
    """The key in a JWK (RFC 7517). The caller has checked its metadata by `mistakes_in_jwk`.

    Raises:
        ConfigurationError: a member is missing or is not canonical base64url, or the members do not fit together.
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
            f"the members of this {algorithm.kty} key do not fit together: export the key again from its source"
        ) from None


def without_nulls(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a JWK that have a value: some servers write ``"use": null`` for a member that is not there."""
    return {name: value for name, value in jwk.items() if value is not None}


def mistakes_in_jwk(jwk: Mapping[str, Any]) -> list[str]:
    """The mistakes in the metadata of a JWK for signing and verifying (RFC 7517 §4), each with its fix."""
    mistakes: list[str] = []
    if jwk.get("kty") not in tuple(_MEMBERS):
        mistakes.append(f"kty is not one of {', '.join(_MEMBERS)}")
    if jwk.get("use", "sig") != "sig":
        mistakes.append("use is not 'sig': this key is for encryption; make another key for signing")
    operations = jwk.get("key_ops")
    if operations is not None and not _are_operations(operations):
        mistakes.append("key_ops contains an operation other than 'sign' and 'verify': make a key for signing")
    elif operations is not None and not _needed_operations(jwk).intersection(operations):
        mistakes.append(f"key_ops does not allow to {' or '.join(sorted(_needed_operations(jwk)))}")
    return mistakes


def _are_operations(value: object) -> bool:
    return isinstance(value, list) and all(operation in ("sign", "verify") for operation in cast("list[object]", value))


def _needed_operations(jwk: Mapping[str, Any]) -> set[str]:
    # RFC 7517 §4.3: a private key may allow only `sign`. Its public key verifies.
    return {"sign", "verify"} if "d" in jwk else {"verify"}


def infer_algorithm(jwk: Mapping[str, Any]) -> str | None:
    """The only algorithm for the curve of a JWK; None for secrets and RSA keys, which have several."""
    return next((row.name for row in ALGORITHMS.values() if row.curve and row.curve == jwk.get("crv")), None)


def to_jwk(material: Material, algorithm: SignatureAlgorithm) -> dict[str, str]:
    """The members of a JWK for the key itself. Private members are included if `material` is private."""
    import jwt

    members: dict[str, Any] = jwt.get_algorithm_by_name(algorithm.name).to_jwk(material, as_dict=True)
    return {name: value for name, value in members.items() if name != "key_ops"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The SHA-256 thumbprint of a JWK (RFC 7638 §3). It is the same for the private and the public key."""
    from hashlib import sha256

    required = {name: jwk[name] for name in _THUMBPRINT[jwk["kty"]]}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode("ascii")
    return base64url.encode(sha256(canonical).digest()).decode("ascii")
