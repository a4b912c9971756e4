"""A key that signs and verifies tokens, bound to one algorithm.

A key is checked completely when it is made, so that nothing has to be checked when a token arrives. The algorithm
belongs to the key and never comes from a token (RFC 8725 §3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authmw.crypto.jose import key_formats, key_material
from authmw.crypto.jose.algorithms import ALGORITHMS, usual_name
from authmw.crypto.jose.key_material import Material
from authmw.errors import ConfigurationError

_MAX_KID: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One key, bound to one algorithm. Make it with `generate`, `from_pem`, `from_jwk` or `from_secret`.

    >>> Key.from_secret("a secret of at least thirty-two bytes", kid="2026-11")
    Key(kid='2026-11', alg='HS256')
    """

    kid: str
    """The name of the key in the header of a token (RFC 7515 §4.1.4)."""
    alg: str
    """The only algorithm of the key."""
    signature_length: int = field(repr=False)
    """The length of each signature, in octets."""
    can_sign: bool = field(repr=False)
    """Whether the key can sign: it is private or a secret, and its JWK allows to sign."""
    _verify: Callable[[bytes, Material, bytes], bool] = field(repr=False)
    _sign: Callable[[bytes, Material], bytes] = field(repr=False)
    _material: Material = field(repr=False)
    _public: Material = field(repr=False)

    @classmethod
    def generate(cls, alg: str = "ES256", *, kid: str | None = None) -> Key:
        """A new key for `alg`.

        Raises:
            ConfigurationError: `alg` is not one of `authmw.crypto.jose.algorithms.ALGORITHMS`.
        """
        alg = usual_name(alg)
        _check_algorithm(alg)
        return cls._of(key_material.generate(ALGORITHMS[alg]), alg, kid)

    @classmethod
    def from_secret(cls, secret: bytes | str, *, alg: str = "HS256", kid: str | None = None) -> Key:
        """A key for HMAC.

        Args:
            secret: the secret. A str is encoded as UTF-8.
            alg: the algorithm.
            kid: the name of the key in tokens. The default is random.

        Raises:
            ConfigurationError: the secret is empty, shorter than the hash, or the text of another kind of key.
        """
        return cls._of(key_formats.from_secret(secret), alg, kid)

    @classmethod
    def from_pem(
        cls, pem: str | bytes, *, alg: str | None = None, kid: str | None = None, password: bytes | None = None
    ) -> Key:
        r"""The private or public key in PEM text.

        Args:
            pem: the text, not the name of a file. In an environment variable its line ends may be written as ``\n``.
            alg: the algorithm. It is required for RSA keys; each curve has only one.
            kid: the name of the key in tokens. The default is its thumbprint (RFC 7638).
            password: decrypts an encrypted private key.

        Raises:
            ConfigurationError: the text does not load, or the key does not fit `alg`.
        """
        return cls._of(key_formats.from_pem(pem, password), alg, kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any], *, alg: str | None = None, kid: str | None = None) -> Key:
        """The key of a JWK (RFC 7517): private, public or secret.

        Args:
            jwk: the members of the JWK.
            alg: the algorithm. The default is that of the JWK, and must be the same if the JWK has one.
            kid: the name of the key in tokens. The default is that of the JWK.

        Raises:
            ConfigurationError: the JWK is wrong, its ``use`` and ``key_ops`` included. The message names all mistakes.
        """
        jwk = key_formats.without_nulls(jwk)
        mistakes = key_formats.mistakes_in_jwk(jwk)
        alg = None if alg is None else usual_name(alg)
        named = jwk.get("alg", alg)
        named = usual_name(named) if isinstance(named, str) else named
        if alg is not None and named != alg:
            mistakes.append(f"the JWK is bound to another algorithm than {alg}: leave alg= out, or make a key for it")
        if named is None:
            named = key_formats.infer_algorithm(jwk)
        mistakes += _mistakes_in_algorithm(named)
        if mistakes:
            raise ConfigurationError(*mistakes)
        assert isinstance(named, str)  # noqa: S101 - it is in the table
        if ALGORITHMS[named].kty != jwk["kty"]:
            raise ConfigurationError(f"{named} needs a key of type {ALGORITHMS[named].kty}, and this is {jwk['kty']}")
        material = key_formats.from_jwk(jwk, ALGORITHMS[named])
        return cls._of(
            material, named, jwk.get("kid") if kid is None else kid, may_sign="sign" in (jwk.get("key_ops") or ["sign"])
        )

    @classmethod
    def _of(cls, material: Material, alg: str | None, kid: object, *, may_sign: bool = True) -> Key:
        alg = usual_name(alg) if alg is not None else key_material.infer_algorithm(material)
        mistakes = _mistakes_in_algorithm(alg) or key_material.mistakes_in_material(material, ALGORITHMS[str(alg)])
        if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= _MAX_KID and kid.isprintable()):
            mistakes = [*mistakes, f"the kid is not a printable text of 1 to {_MAX_KID} characters"]
        if mistakes:
            raise ConfigurationError(*mistakes)
        import jwt

        row = ALGORITHMS[str(alg)]
        algorithm = jwt.get_algorithm_by_name(row.name)
        public = key_material.public(material)
        return cls(
            kid=str(kid) if kid is not None else _default_kid(public, row.name),
            alg=row.name,
            signature_length=key_material.signature_length(material, row),
            can_sign=may_sign and key_material.is_private(material),
            _verify=algorithm.verify,
            _sign=algorithm.sign,
            _material=material,
            _public=public,
        )

    @property
    def symmetric(self) -> bool:
        """Whether the key is a secret: who can verify with it can also sign."""
        return ALGORITHMS[self.alg].kty == "oct"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is the signature of this key over `message`."""
        return len(signature) == self.signature_length and self._verify(message, self._public, signature) is True

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`.

        Raises:
            ConfigurationError: the key cannot sign.
        """
        if not self.can_sign:
            raise ConfigurationError(f"the key {self.kid!r} is public and cannot sign: load its private half")
        return self._sign(message, self._material)

    def public_jwk(self) -> dict[str, str] | None:
        """The JWK to publish, with the public members only. None for a secret, which must not be published."""
        return None if self.symmetric else self._jwk(self._public)

    def private_jwk(self) -> dict[str, str]:
        """The complete JWK, private members included. Keep it secret: its reader can sign."""
        return self._jwk(self._material)

    def _jwk(self, material: Material) -> dict[str, str]:
        members = key_formats.to_jwk(material, ALGORITHMS[self.alg])
        return {"kid": self.kid, "alg": self.alg, "use": "sig", **members}


def _default_kid(public: Material, alg: str) -> str:
    if ALGORITHMS[alg].kty == "oct":
        import secrets

        # RFC 7638 §7: the thumbprint of a secret would help to guess the secret.
        return secrets.token_urlsafe(16)
    return key_formats.thumbprint(key_formats.to_jwk(public, ALGORITHMS[alg]))


def _mistakes_in_algorithm(alg: object) -> list[str]:
    if isinstance(alg, str) and alg in ALGORITHMS:
        return []
    if alg is None:
        return ["name the algorithm of the key: alg='RS256' or alg='PS256' for RSA, alg='HS256' for a secret"]
    return [f"alg is not one of {', '.join(ALGORITHMS)}: 'none' and all others are never accepted"]


def _check_algorithm(alg: str) -> None:
    mistakes = _mistakes_in_algorithm(alg)
    if mistakes:
        raise ConfigurationError(*mistakes)
