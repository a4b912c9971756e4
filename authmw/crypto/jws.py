"""Compact JWS (RFC 7515 §7.1): a strict reader that verifies signatures, and a writer. Claims are not checked here.

Rule 1: a token does not decide how it is verified. Its ``alg`` and ``kid`` are only compared with the keys of the ring;
``jwk``, ``jku``, ``x5u`` and ``x5c`` are ignored, and ``crit`` and ``b64`` are refused (RFC 8725 §3.1, §3.10).
Rule 2: each segment has exactly one accepted spelling, and no token makes the reader raise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import usual_name
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing, KeySet
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected

_MAX_HEADERS: Final = 64


@dataclass(frozen=True, slots=True)
class Header:
    """The JOSE header of a token, reduced to the members that are used.

    Args:
        alg: the algorithm. Each of `keys` has the same.
        kid: the name of the key in the token; None without a name.
        typ: the media type (RFC 7515 §4.1.9) in lower case, without ``application/``; None without a type.
        keys: the keys that may have signed the token.
    """

    alg: str
    kid: str | None
    typ: str | None
    keys: tuple[Key, ...]


@dataclass(slots=True)
class VerifiedJWS:
    """The header and the payload of a token that a key of the ring signed."""

    header: Header
    payload: bytes


class JWSReader:
    """Reads tokens that a key of `ring` signed.

    >>> from authmw import Key, KeyRing
    >>> ring = KeyRing(Key.from_secret("a secret of at least thirty-two bytes", kid="1"))
    >>> token = write(b"hello", ring.signer)
    >>> JWSReader(ring).read(token).payload
    b'hello'
    >>> JWSReader(ring).read(f"{token[:-2]}AA").reason.code
    'authmw.token-signature'
    """

    __slots__ = ("_known", "ring")

    def __init__(self, ring: KeyRing) -> None:
        self.ring: KeyRing = ring
        # The tokens of one key have the same header. A parsed header is kept under its exact text after a signature
        # has proved it, until the keys of the ring change. A `BoundedCache` would not fit: a reader is made for each
        # client assertion, and a header does not expire. After `_MAX_HEADERS` headers no more are added.
        self._known: tuple[KeySet, dict[bytes, Header]] = (ring.current, {})

    @property
    def remembered(self) -> int:
        """The number of parsed headers that are kept."""
        return len(self._known[1])

    def read(self, token: str) -> VerifiedJWS | Rejected:
        """The header and the payload of `token`, if a key of the ring signed it. Never raises.

        What has not the form of a compact JWS is refused by `NOT_THREE_SEGMENTS`, the same object each time.
        """
        # The size is limited before anything is split or decoded, so that no token costs much time or memory
        # (CVE-2025-30204: a token of dots).
        if len(token) > MAX_CREDENTIAL_LENGTH:
            return _malformed(f"longer than {MAX_CREDENTIAL_LENGTH} characters")
        try:
            octets = token.encode("ascii")
        except UnicodeEncodeError:
            return _malformed("not ASCII")
        segments = octets.split(b".", 3)
        if len(segments) != 3 or b"" in segments:
            return NOT_THREE_SEGMENTS if len(segments) != 3 else _malformed("an empty segment")
        head, body, tail = segments

        keys, known = self._known
        if keys is not self.ring.current:
            keys, known = self._known = (self.ring.current, {})
        header = known.get(head)
        if header is None:
            read = read_header(head, keys)
            if isinstance(read, Rejected):
                return read
            header = read

        signature = base64url.decode(tail)
        if signature is None:
            return _malformed("the signature is not canonical base64url")
        message = octets[: -len(tail) - 1]
        for key in header.keys:
            if key.verify(message, signature):
                break
        else:
            return Rejected(Reason.TOKEN_SIGNATURE, _not_signed(header.keys))
        if head not in known and len(known) < _MAX_HEADERS:
            known[head] = header

        payload = base64url.decode(body)
        if payload is None:
            return _malformed("the payload is not canonical base64url")
        return VerifiedJWS(header, payload)


def read_header(segment: bytes, keys: KeySet) -> Header | Rejected:
    """The header in the first segment of a token, with the keys that fit it. Nothing is verified yet."""
    octets = base64url.decode(segment)
    if octets is None:
        return _malformed("the header is not canonical base64url")
    try:
        members = parse_object(octets)
    except ValueError as error:
        return _malformed(f"the header: {error}")
    # RFC 7515 §4.1.11: a token with an extension that is not understood is refused. This reader understands none, and
    # not `b64` either (RFC 7797 §6).
    for name in ("crit", "b64"):
        if name in members:
            return _malformed(f"the header has {name}, which is not supported")
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    alg = usual_name(alg) if isinstance(alg, str) else alg
    if not isinstance(alg, str) or not any(key.alg == alg for key in keys.keys):
        return Rejected(Reason.TOKEN_ALGORITHM, f"alg is {shown(alg)}; {_algorithms(keys)}")
    if ("kid" in members and not isinstance(kid, str)) or ("typ" in members and not isinstance(typ, str)):
        return _malformed("kid or typ is not a string")
    candidates = _candidates(alg, kid, keys)
    if isinstance(candidates, Rejected):
        return candidates
    return Header(alg, kid, media_type(typ), candidates)


def _candidates(alg: str, kid: str | None, keys: KeySet) -> tuple[Key, ...] | Rejected:
    if kid is None:
        return tuple(key for key in keys.keys if key.alg == alg)
    named = keys.by_kid.get(kid)
    if named is None:
        return Rejected(Reason.TOKEN_KEY, f"no key is named {shown(kid)}")
    fitting = tuple(key for key in named if key.alg == alg)
    if not fitting:
        theirs = " and ".join(key.alg for key in named)
        return Rejected(Reason.TOKEN_ALGORITHM, f"alg is {shown(alg)}, and the key {shown(kid)} is for {theirs}")
    return fitting


def _not_signed(keys: tuple[Key, ...]) -> str:
    if len(keys) == 1:
        return f"not signed by the key {keys[0].kid!a}"
    return f"the token names no key, and none of the {len(keys)} keys for {keys[0].alg} signed it"


def _algorithms(keys: KeySet) -> str:
    return "the keys are for " + ", ".join(dict.fromkeys(key.alg for key in keys.keys))


def media_type(typ: str | None) -> str | None:
    """`typ` in the form for comparison; None stays None."""
    # RFC 7515 §4.1.9: `typ` is a media type. Its case does not matter, and `application/` may be left out.
    return None if typ is None else typ.lower().removeprefix("application/")


def _malformed(detail: str) -> Rejected:
    return Rejected(Reason.TOKEN_MALFORMED, detail)


NOT_THREE_SEGMENTS: Final = _malformed("not three segments")
"""The refusal of a text that is no compact JWS (RFC 7515 §7.1)."""


def shown(value: object) -> str:
    """`value`, which a client wrote, as text for the log: short, and without control characters (CVE-2024-45808).

    >>> shown("none\\n")
    "'none\\\\n'"
    """
    text = ascii(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def write(payload: bytes, key: Key, *, typ: str | None = None, header: bytes | None = None) -> str:
    """A token with `payload`, signed with `key`.

    Args:
        payload: the octets of the payload.
        key: the key that signs.
        typ: the media type of the token.
        header: the result of `header_segment` for the same key and type, for a caller that signs often.

    Raises:
        ConfigurationError: the key is public and cannot sign.
    """
    message = b"%b.%b" % (header or header_segment(key, typ), base64url.encode(payload))
    return (message + b"." + base64url.encode(key.sign(message))).decode("ascii")


def write_claims(claims: Mapping[str, Any], key: Key, *, header: Mapping[str, Any]) -> str:
    """A JWT (RFC 7519 §7.1) with exactly these `claims` and `header` members, signed with `key`. Neither is checked.

    Raises:
        ConfigurationError: the key is public and cannot sign.
    """
    return write(_json(claims), key, header=base64url.encode(_json(header)))


def header_segment(key: Key, typ: str | None) -> bytes:
    """The first segment of all tokens of type `typ` that `key` signs."""
    members = {"alg": key.alg, "kid": key.kid}
    return base64url.encode(_json(members if typ is None else {**members, "typ": typ}))


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode("ascii")
