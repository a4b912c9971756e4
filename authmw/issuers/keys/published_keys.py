"""The keys that an issuer publishes: those that can be used, and why the others cannot.

A set is not refused for one bad key: issuers publish keys for encryption, and of algorithms that nobody here knows,
beside the good ones. What is kept can only verify: no secret, and nothing with a private half.
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
"""The big issuers publish fewer than ten."""
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """What a JWK Set comes to.

    Args:
        keys: public keys with a name of their own each, in the order in which they are published.
        refused: why each of the others was left out, one sentence a key, for the log.
    """

    keys: tuple[Key, ...]
    refused: tuple[str, ...]

    @classmethod
    def of(cls, octets: bytes, *, rsa_algorithm: str = "RS256") -> PublishedKeys:
        """The keys in a JWK Set (RFC 7517 §5).

        Args:
            octets: the document.
            rsa_algorithm: what RSA keys are for that do not say it themselves.

        Raises:
            ValueError: it is no JWK Set; the message holds nothing of it.
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
                continue  # for encryption: nothing is wrong with it, and it signs nothing
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
        # With secrets in a set that anybody may read, anybody could sign (RFC 8725 §2.1).
        raise ConfigurationError("it is a secret, and whoever reads it can sign")
    if not _PRIVATE.isdisjoint(members):
        raise ConfigurationError("its private half is published, and whoever reads it can sign")
    alg = rsa_algorithm if members.get("kty") == "RSA" and "alg" not in members else None
    return Key.from_jwk(members, alg=alg)


def _unambiguous(keys: list[Key], refused: list[str]) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The keys whose name is no other's. Of two different keys with one name neither is used: one may be forged."""
    unique = {(key.kid, key.alg, str(key.public_jwk())): key for key in keys}
    names = Counter(kid for kid, _, _ in unique)
    refused += [f"{count} keys have the kid {shown(kid)}" for kid, count in names.items() if count > 1]
    return tuple(key for (kid, _, _), key in unique.items() if names[kid] == 1), tuple(refused)


def _named(jwk: object) -> str:
    kid = _member(jwk, "kid")
    return "" if kid is None else f" ({shown(kid)})"


def _member(jwk: object, name: str) -> object:
    return cast("Mapping[str, object]", jwk).get(name) if isinstance(jwk, Mapping) else None
