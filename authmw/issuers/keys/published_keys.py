"""Parser of the JWK Set of an issuer: the usable keys, and why each of the others is not used.

One bad key does not make the set invalid (RFC 7517 §5): issuers also publish keys for encryption, and keys with
algorithms that authmw does not know. The usable keys can only verify: no secrets and no private keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from authmw.crypto.jose.strict_json import DOUBLED, holds_doubled, parse_object
from authmw.crypto.jwk_set import usable_keys
from authmw.crypto.key import Key

MAX_KEYS: Final = 100
"""The largest number of keys in a set. The big issuers publish fewer than ten."""


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The keys of a JWK Set.

    Args:
        keys: public keys, told apart by name and algorithm, in the published order.
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
        document = parse_object(octets, doubled_inside=True)
        members: object = document.pop("keys", None)
        # RFC 7517 §4 and §5: a JWK with a name that stands twice is refused, and the whole set for one of its own.
        if holds_doubled(document):
            raise ValueError(DOUBLED)
        if not isinstance(members, list):
            raise ValueError("not a JWK Set: it has no list under 'keys'")
        jwks = cast("list[object]", members)
        if len(jwks) > MAX_KEYS:
            raise ValueError(f"a JWK Set of more than {MAX_KEYS} keys")
        return cls(*usable_keys(jwks, rsa_algorithm=rsa_algorithm, published=True))
