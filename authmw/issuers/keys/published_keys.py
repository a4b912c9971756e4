"""Parser of the JWK Set of an issuer: the usable keys, and why each of the others is not used.

One bad key does not make the set invalid (RFC 7517 §5): issuers also publish keys for encryption, and keys with
algorithms that authmw does not know. The usable keys can only verify: no secrets and no private keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.crypto.key import Key
from authmw.errors import ConfigurationError

MAX_KEYS: Final = 100
"""The largest number of keys in a set. The big issuers publish fewer than ten."""
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The keys of a JWK Set.

    Args:
        keys: public keys, each with a different name, in the published order.
        refused: why each of the others is not used, one sentence per key, for the log.
    """

    keys: tuple[Key, ...]
    refused: tuple[str, ...]

    @classmethod
    def of(cls, octets: bytes, *, rsa_algorithm: str = "RS256") -> PublishedKeys:
        """The keys in a JWK Set (RFC 7517 §5).

        Args:
            octets: the document, as bytes.
            rsa_algorithm: the algorithm of RSA keys that do not name one.

        Raises:
            ValueError: it is not a JWK Set. The message contains nothing from the document.
        """
        members: object = parse_object(octets).get("keys")
        if not isinstance(members, list):
            raise ValueError("not a JWK Set: it has no list under 'keys'")
        jwks = cast("list[object]", members)
        if len(jwks) > MAX_KEYS:
            raise ValueError(f"a JWK Set of more than {MAX_KEYS} keys")
        keys: list[Key] = []
        refused: list[str] = []
        for index, jwk in enumerate(jwks):
            if _member(jwk, "use") == "enc":
                continue  # a valid key for encryption, which signs nothing
            try:
                keys.append(_key(jwk, rsa_algorithm))
            except ConfigurationError as error:
                refused.append(f"keys[{index}]{_named(jwk)}: {'; '.join(error.mistakes)}")
        return cls(*_unambiguous(keys, refused))


def _key(jwk: object, rsa_algorithm: str) -> Key:
    if not isinstance(jwk, Mapping):
        raise ConfigurationError("it is no JSON object")
    members = cast("Mapping[str, Any]", jwk)
    if members.get("kty") == "oct":
        # RFC 8725 §2.1: the set is public, so every reader of a secret in it could sign tokens.
        raise ConfigurationError("it is a secret, and everybody who reads it can sign")
    if not _PRIVATE.isdisjoint(members):
        raise ConfigurationError("its private half is published, and everybody who reads it can sign")
    alg = rsa_algorithm if members.get("kty") == "RSA" and "alg" not in members else None
    return Key.from_jwk(members, alg=alg)


def _unambiguous(keys: list[Key], refused: list[str]) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The keys with a unique name. Of two different keys with one name neither is used: one may be forged."""
    unique = {(key.kid, key.alg, str(key.public_jwk())): key for key in keys}
    names = Counter(kid for kid, _, _ in unique)
    refused += [f"{count} keys have the kid {shown(kid)}" for kid, count in names.items() if count > 1]
    return tuple(key for (kid, _, _), key in unique.items() if names[kid] == 1), tuple(refused)


def _named(jwk: object) -> str:
    kid = _member(jwk, "kid")
    return "" if kid is None else f" ({shown(kid)})"


def _member(jwk: object, name: str) -> object:
    return cast("Mapping[str, object]", jwk).get(name) if isinstance(jwk, Mapping) else None
