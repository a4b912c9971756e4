"""Explanation of a token and of its verification, for ``authmw tokens explain``.

It shows the content of a token before verification, and says so. It never shows the signature, so its output is
not a usable token.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import cast

from authmw.crypto.jose import base64url
from authmw.crypto.jose.strict_json import JSONObject, parse_object
from authmw.crypto.jws import JWSReader, shown
from authmw.crypto.key import Key
from authmw.flow.flow import run
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated, Rejected
from authmw.issuers.diagnosis.finding import Finding
from authmw.verifiers.jwt import JWTVerifier


def explain(token: str, verifier: JWTVerifier | None = None) -> list[Finding]:
    """The content of `token` and, with a verifier, the result of each of its checks.

    The last finding is the verifier's verdict.

    >>> for finding in explain("abc"):
    ...     print(finding.check, finding.ok, finding.words)
    shape False not a signed JWT: 1 segment instead of 3; an opaque token says nothing by itself
    """
    segments = token.split(".")
    if len(segments) != 3:
        return [Finding("shape", False, _shape(len(segments)))]
    header, claims = _decoded(segments[0]), _decoded(segments[1])
    findings = [_read("header", header), _read("claims", claims)]
    if verifier is not None:
        findings += _verified(token, verifier)
    return findings


def unverified(token: str) -> tuple[JSONObject, JSONObject] | None:
    """The unverified header and claims of `token`; None if they cannot be read."""
    segments = token.split(".")
    if len(segments) != 3:
        return None
    header, claims = _decoded(segments[0]), _decoded(segments[1])
    return None if isinstance(header, str) or isinstance(claims, str) else (header, claims)


def _shape(count: int) -> str:
    if count == 5:
        return "an encrypted JWE: encryption does not authenticate the issuer, ask it for signed tokens"
    segments = "1 segment" if count == 1 else f"{count} segments"
    return f"not a signed JWT: {segments} instead of 3; an opaque token says nothing by itself"


def _decoded(segment: str) -> JSONObject | str:
    octets = base64url.decode_member(segment)
    if octets is None:
        return "not canonical base64url"
    try:
        return parse_object(octets)
    except ValueError as error:
        return str(error)


def _read(check: str, found: JSONObject | str) -> Finding:
    if isinstance(found, str):
        return Finding(check, False, f"cannot be read: {found}")
    said = ", ".join(f"{shown(name)[1:-1]}={_value(value)}" for name, value in found.items())
    return Finding(check, None, f"says, not verified: {said}")


def _value(value: object) -> str:
    if not isinstance(value, list):
        return shown(value)
    items = cast("list[object]", value)
    return "[" + ", ".join(map(shown, items[:8])) + ("]" if len(items) <= 8 else ", ...]")


def _verified(token: str, verifier: JWTVerifier) -> list[Finding]:
    jws = JWSReader(verifier.reader.ring).read(token)
    if isinstance(jws, Rejected):
        return [Finding("signature", False, _words(jws)), _verdict(token, verifier)]
    findings = [Finding("signature", True, f"by the key {_kids(jws.header.keys)} ({jws.header.alg})")]
    try:
        claims = parse_object(jws.payload)
    except ValueError:
        return [*findings, _verdict(token, verifier)]
    now = verifier.clock()
    for name, check in verifier.rules.checks:
        refused = check(jws.header, claims, now)
        findings.append(Finding(name, refused is None, "holds" if refused is None else _words(refused)))
    scopes = verifier.granted(claims)
    if isinstance(scopes, Rejected):
        findings.append(Finding("scopes", False, _words(scopes)))
    else:
        findings.append(Finding("scopes", True, " ".join(sorted(scopes)) or "none"))
    return [*findings, _verdict(token, verifier)]


def _kids(keys: tuple[Key, ...]) -> str:
    return " or ".join(shown(key.kid) for key in keys)


def _verdict(token: str, verifier: JWTVerifier) -> Finding:
    verdict = verifier.verify(BearerToken(token))
    if isinstance(verdict, Generator):
        verdict = run(verdict)
    if isinstance(verdict, Authenticated):
        return Finding("verdict", True, f"accepted: {verdict.principal!r}")
    return Finding("verdict", False, "refused" if verdict is None else f"refused: {verdict.reason.code}")


_NEXT_STEP = {
    Reason.TOKEN_KEY: "was the key rotated out, or does the token come from another issuer?",
    Reason.TOKEN_SIGNATURE: "signed by another key, or changed on its way",
    Reason.TOKEN_EXPIRED: "get a new token",
    Reason.TOKEN_NOT_YET_VALID: "are the clocks right on both machines?",
    Reason.TOKEN_ISSUER: "compare it with JWTVerifier(issuer=...), character by character",
    Reason.TOKEN_AUDIENCE: "ask for a token for this API, or name it in JWTVerifier(audience=...)",
}


def _words(rejected: Rejected) -> str:
    hint = _NEXT_STEP.get(rejected.reason)
    return f"{rejected.detail}: {hint}" if hint else rejected.detail
