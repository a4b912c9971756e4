"""Diagnosis of a token: its content, and the checks of `Issuer` that it fails. Never shows the token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from authmw.crypto.claims import Check, is_date
from authmw.crypto.jws import Header, media_type, shown
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Authenticated, Rejected
from authmw.issuers.access_token_verifier import AccessTokenVerifier
from authmw.issuers.audience import AnyAudience, Audience
from authmw.issuers.diagnosis.explain import unverified
from authmw.issuers.diagnosis.finding import Finding, difference, quoted
from authmw.issuers.diagnosis.issuer import IssuerReport
from authmw.issuers.diagnosis.profile import audience_fix, likely_profile
from authmw.issuers.diagnosis.scopes import diagnose_scopes
from authmw.issuers.diagnosis.signature import not_a_jwt, signature
from authmw.issuers.diagnosis.token_type import not_an_access_token
from authmw.issuers.profiles import profile_of

_FIX: Final = {
    Reason.TOKEN_EXPIRED: "get a new one; where new ones have expired too, look at the clocks",
    Reason.TOKEN_NOT_YET_VALID: "set the clocks of both machines by NTP",
    Reason.TOKEN_CLAIMS: "have the issuer put exp into its tokens, and times in seconds",
}


class TokenDiagnosis:
    """Examines tokens as `Issuer` with the same arguments verifies them.

    Args:
        issuer: the exact name.
        audience: the name of this API; None to not compare ``aud``.
        profile: the name of a profile; None for that of RFC 9068.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: there is no such profile, or the audience is empty.
    """

    def __init__(
        self, issuer: str, *, audience: Audience | None, profile: str | None, clock: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._profile = profile_of(profile)
        self._given = profile
        self._clock = clock
        self._verifier(KeyRing(Key.generate()), profile)  # reports mistakes in the arguments at construction

    def examine(self, token: str, report: IssuerReport) -> Iterator[Finding]:
        """The findings about `token`, with the keys in the report on its issuer."""
        read = unverified(token)
        if read is None:
            yield not_a_jwt(token, report)
            return
        members, claims = read
        header = _header(members)
        names = ", ".join(f"{name} {shown(members.get(name))}" for name in ("alg", "kid", "typ"))
        yield Finding("header", None, f"{names} (this and the claims are as the token says)")
        yield from signature(token, members, report)
        ring = KeyRing(*report.keys) if report.keys else None
        verifier = self._verifier(ring or KeyRing(Key.generate()), self._given)
        yield self._iss(claims)
        yield from self._claims(header, claims, verifier)
        yield from _binding(claims)
        if ring is not None and report.is_itself:
            yield _verdict(token, claims, verifier)

    def _verifier(self, ring: KeyRing, profile: str | None) -> AccessTokenVerifier:
        return AccessTokenVerifier(
            ring,
            issuer=self._issuer,
            audience=AnyAudience("it was not given") if self._audience is None else self._audience,
            profile=profile_of(profile),
            clock=self._clock,
        )

    def _claims(self, header: Header, claims: Mapping[str, Any], verifier: AccessTokenVerifier) -> Iterator[Finding]:
        checks = dict(verifier.rules.checks)
        likely = likely_profile(self._issuer, claims)
        now = self._clock()
        other = not_an_access_token(header.typ, claims)
        if other is not None:
            yield other  # its other claims say nothing about access tokens
            return
        yield self._aud(claims, checks["audience"](header, claims, now), likely)
        yield _times(claims, checks["times"](header, claims, now))
        if (refused := checks["identifiers"](header, claims, now)) is not None:
            yield Finding("sub", False, refused.detail, "have the issuer say whose token it is")
        fitting = likely if likely is not None and self._fits(likely, header, claims) else None
        yield self._type(header, claims, checks, fitting)
        yield diagnose_scopes(claims, verifier, fitting if fitting != self._profile.name else None)

    def _fits(self, profile: str, header: Header, claims: Mapping[str, Any]) -> bool:
        checks = dict(self._verifier(KeyRing(Key.generate()), profile).rules.checks)
        return all(checks[name](header, claims, 0.0) is None for name in _SHAPE)

    def _type(
        self, header: Header, claims: Mapping[str, Any], checks: Mapping[str, Check], fitting: str | None
    ) -> Finding:
        name = self._profile.name
        failing = {check: refused for check in _SHAPE if (refused := checks[check](header, claims, 0.0)) is not None}
        if not failing:
            return Finding("access token", True, f"built as {name} has it")
        words = "; ".join(refused.detail.partition(" (JWTVerifier")[0] for refused in failing.values())
        if fitting is not None:
            fix = f'it is built as {fitting} has it: say Issuer(..., profile="{fitting}")'
        elif failing.keys() == {"type"}:
            fix = f"if the issuer's access tokens all have this typ, say Issuer(..., types=({header.typ!r},))"
        else:
            fix = "name the profile of your issuer, or describe its tokens: Issuer(..., profile=Profile(...))"
        return Finding("access token", False, f"not built as {name} has it: {words}", fix)

    def _iss(self, claims: Mapping[str, Any]) -> Finding:
        said: object = claims.get("iss")
        if said == self._issuer:
            return Finding("iss", True, quoted(said))
        if not isinstance(said, str):
            return Finding("iss", False, "there is none", "have the issuer put its name into its tokens")
        if said in self._profile.forms_of(self._issuer):
            return Finding("iss", True, f"{quoted(said)}, another name of the same issuer")
        words = f"`iss` is {quoted(said)}{difference(said, self._issuer)}; this API expects {self._issuer!r}"
        fix = f"the token is of another issuer, or say Issuer({quoted(said)}, ...) if that is the one you mean"
        return Finding("iss", False, words, fix)

    def _aud(self, claims: Mapping[str, Any], refused: Rejected | None, likely: str | None) -> Finding:
        said = _listed(claims.get("aud"))
        if self._audience is None:
            return Finding("aud", None, f"`aud` is {said}: not compared", "say --audience, the name of this API")
        wanted = _listed(self._audience if isinstance(self._audience, str) else list(cast("Any", self._audience)))
        if refused is None:
            return Finding(
                "aud", True, f"`aud` is {said}" if "aud" in claims else "by the client, as the profile has it"
            )
        words = (
            f"`aud` is {said}, this API expects {wanted}" if "aud" in claims else f"no `aud`; this API expects {wanted}"
        )
        return Finding("aud", False, words, audience_fix(self._given or likely, wanted, said))


_SHAPE: Final = ("type", "required claims", "access token")


def _header(members: Mapping[str, Any]) -> Header:
    alg, kid, typ = (members.get(name) for name in ("alg", "kid", "typ"))
    return Header(
        str(alg), kid if isinstance(kid, str) else None, media_type(typ) if isinstance(typ, str) else None, ()
    )


def _times(claims: Mapping[str, Any], refused: Rejected | None) -> Finding:
    expires: Any = claims.get("exp")
    moment = f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d %H:%M:%SZ}" if is_date(expires) else "-"
    if refused is None:
        return Finding("times", True, f"it holds until {moment}")
    words = f"{refused.detail}, at {moment}" if refused.reason is Reason.TOKEN_EXPIRED else refused.detail
    return Finding("times", False, words, _FIX[refused.reason])


def _binding(claims: Mapping[str, Any]) -> Iterator[Finding]:
    if "cnf" not in claims:
        return
    if _thumbprint(claims) is not None:
        words = "bound to a key (DPoP): as a Bearer token it is refused"
        yield Finding("cnf", None, words, "use HTTPDPoP, where each request brings a proof")
    else:
        words = "bound, and not to the key of a DPoP proof: it is refused"
        yield Finding(
            "cnf", False, words, "have the issuer bind it by DPoP, or not at all; certificates are not checked"
        )


def _thumbprint(claims: Mapping[str, Any]) -> str | None:
    confirmation: object = claims.get("cnf")
    if not isinstance(confirmation, dict) or list(cast("dict[str, object]", confirmation)) != ["jkt"]:
        return None
    said = cast("dict[str, object]", confirmation)["jkt"]
    return said if isinstance(said, str) else None


def _verdict(token: str, claims: Mapping[str, Any], verifier: AccessTokenVerifier) -> Finding:
    bound = _thumbprint(claims)
    verdict = verifier.verify(BearerToken(token) if bound is None else BoundToken(token, bound))
    if isinstance(verdict, Authenticated):
        who = f"{verdict.principal.kind} {shown(verdict.principal.id)}"
        return Finding("verdict", True, f"accepted: {who}" + (", with a proof by that key" if bound else ""))
    code = verdict.reason.code if isinstance(verdict, Rejected) else "not a signed JWT"
    return Finding("verdict", False, f"refused: {code}")


def _listed(value: object) -> str:
    if isinstance(value, list):
        return " and ".join(f"`{quoted(each)[1:-1]}`" for each in cast("list[object]", value)[:8]) or "empty"
    return f"`{quoted(value)[1:-1]}`" if isinstance(value, str) else shown(value)
