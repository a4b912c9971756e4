"""Claim checks for a token with a verified signature: type, issuer, audience, times (RFC 7519 §4.1, RFC 9068 §4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeGuard, cast

from authmw.crypto.jws import Header, shown
from authmw.errors import ConfigurationError
from authmw.flow.durations import Seconds, seconds
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected

MAX_LEEWAY: Final = 60
"""The largest leeway, in seconds. RFC 7519 §4.1.4 allows "usually no more than a few minutes"."""
_MAX_TEXT: Final = 255  # OpenID Connect Core 1.0 §2: sub "MUST NOT exceed 255 ASCII characters"
_LATEST_DATE: Final = 253402300800  # the year 10000: a greater number is in milliseconds, or a mistake
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Claims = Mapping[str, Any]
Check = Callable[[Header, Claims, float], Rejected | None]


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Rules for the header and the claims of a token.

    Args:
        issuer: the exact ``iss``; None allows every issuer.
        audiences: ``aud`` must contain one of these. If there are none, a token with an ``aud`` is refused.
        types: the allowed ``typ`` values, in lower case and without ``application/``. None among them allows a token
            without ``typ``.
        leeway: seconds by which clocks may differ.
        required: further claims that the token must have.
    """

    issuer: str | None
    audiences: frozenset[str]
    types: frozenset[str | None]
    leeway: float
    required: tuple[str, ...]

    @classmethod
    def of(
        cls,
        *,
        issuer: str | None,
        audience: str | Collection[str] | None,
        types: Collection[str | None],
        leeway: Seconds,
        required: Collection[str],
    ) -> ClaimRules:
        """The rules from the arguments of a verifier.

        Raises:
            ConfigurationError: an argument is wrong. The message names all mistakes.
        """
        mistakes: list[str] = []
        leeway = seconds(leeway, "leeway")
        audiences = frozenset([audience] if isinstance(audience, str) else audience or ())
        if issuer == "":
            mistakes.append("issuer is empty: give the exact iss of the tokens, or None for tokens without one")
        if "" in audiences or (audience is not None and not audiences):
            mistakes.append("audience is empty: give the name of this API, or None for tokens without one")
        if isinstance(types, str) or not types:
            mistakes.append("types is a collection of media types: types=('at+jwt',)")
        if not 0 <= leeway <= MAX_LEEWAY:
            mistakes.append(f"leeway is {leeway} s: give 0 to {MAX_LEEWAY}, and set the clocks by NTP")
        if isinstance(required, str):
            mistakes.append(f"required is a collection of names: required=({required!r},)")
        if mistakes:
            raise ConfigurationError(*mistakes)
        wanted = frozenset(typ and typ.lower().removeprefix("application/") for typ in types)
        return cls(issuer, audiences, wanted, leeway, tuple(required))

    @property
    def checks(self) -> tuple[tuple[str, Check], ...]:
        """All checks with their names, in their order."""
        return (
            ("type", self._type),
            ("issuer", self._issuer),
            ("audience", self._audience),
            ("times", self._times),
            ("required claims", self._required),
            ("identifiers", self._identifiers),
        )

    def refuse(self, header: Header, claims: Claims, now: float) -> Rejected | None:
        """The reason to refuse the token at `now` (seconds since the epoch); None if the token is accepted."""
        return (
            self._type(header, claims, now)
            or self._issuer(header, claims, now)
            or self._audience(header, claims, now)
            or self._times(header, claims, now)
            or (self._required(header, claims, now) if self.required else None)
            or self._identifiers(header, claims, now)
        )

    def _type(self, header: Header, _claims: Claims, _now: float) -> Rejected | None:
        # RFC 9068 §4: without this check, an ID token that the same key signed would be accepted as an access token.
        if header.typ in self.types:
            return None
        accepted = ", ".join(sorted(typ or "none" for typ in self.types))
        return Rejected(Reason.TOKEN_TYPE, f"typ is {shown(header.typ)}; accepted: {accepted} (JWTVerifier(types=...))")

    def _issuer(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        if self.issuer is None or claims.get("iss") == self.issuer:
            return None
        return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(claims.get('iss'))}")

    def _audience(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        audience: object = claims.get("aud")
        if isinstance(audience, str):
            refused = audience not in self.audiences
        elif _is_list_of_texts(audience):
            refused = self.audiences.isdisjoint(audience)
        else:
            # RFC 7519 §4.1.3: a token with an audience is refused by every other recipient, also by a recipient for
            # which no audience is configured.
            refused = bool(self.audiences) or "aud" in claims
        return Rejected(Reason.TOKEN_AUDIENCE, f"aud is {shown(audience)}") if refused else None

    def _times(self, _header: Header, claims: Claims, now: float) -> Rejected | None:
        expires: Any = claims.get("exp")
        begins, issued = claims.get("nbf", 0), claims.get("iat", 0)
        if not is_date(expires, begins, issued):
            return Rejected(Reason.TOKEN_CLAIMS, "exp is missing, or exp, nbf or iat is no number of seconds")
        # RFC 7519 §4.1.4: exp is the time "on or after which" the token is not accepted, so equality is expired.
        if expires <= now - self.leeway:
            return Rejected(Reason.TOKEN_EXPIRED, f"expired {now - expires:.0f} s ago")
        latest = now + self.leeway
        if begins > latest:
            return Rejected(Reason.TOKEN_NOT_YET_VALID, f"nbf is {begins - now:.0f} s ahead")
        if issued > latest:
            return Rejected(Reason.TOKEN_NOT_YET_VALID, f"iat is {issued - now:.0f} s ahead")
        return None

    def _required(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        for name in self.required:
            if name not in claims:
                return Rejected(Reason.TOKEN_CLAIMS, f"{name} is missing")
        return None

    def _has_subject(self, claims: Claims) -> bool:
        return is_identifier(claims.get("sub"))

    def _identifiers(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        if not self._has_subject(claims):
            return Rejected(Reason.TOKEN_CLAIMS, "sub is missing or is no identifier")
        if "jti" in claims and not is_identifier(claims["jti"]):
            return Rejected(Reason.TOKEN_CLAIMS, "jti is no identifier")
        if "client_id" in claims and not is_identifier(claims["client_id"]):
            return Rejected(Reason.TOKEN_CLAIMS, "client_id is no identifier")
        return None


def is_date(*values: object) -> bool:
    """Whether each of `values` is a NumericDate (RFC 7519 §2). A bool is not, although it is a number in Python.

    >>> is_date(1700000000), is_date(True), is_date("1700000000"), is_date(1700000000, None)
    (True, False, False, False)
    """
    for value in values:
        if (type(value) is not int and type(value) is not float) or not 0 <= value < _LATEST_DATE:
            return False
    return True


def _is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in cast("list[object]", value))


def is_identifier(value: object) -> TypeGuard[str]:
    """Whether `value` can be an identifier: a string of 1 to 255 characters without control characters and surrogates.

    >>> is_identifier("alice"), is_identifier(""), is_identifier("alice\\n"), is_identifier(7)
    (True, False, False, False)
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_TEXT
        and (value.isprintable() or _CONTROL.search(value) is None)
    )


@lru_cache(maxsize=1024)
def interned(name: str | None) -> str | None:
    """The same object for equal names. It saves memory: a few clients have many tokens in the cache."""
    return name
