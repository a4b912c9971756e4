"""Diagnosis of the signature of a token, by the published keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authmw.crypto.jws import JWSReader, shown
from authmw.crypto.keyring import KeyRing
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected
from authmw.issuers.diagnosis.explain import explain
from authmw.issuers.diagnosis.finding import Finding
from authmw.issuers.diagnosis.issuer import IssuerReport

_FIX: Final = {
    Reason.TOKEN_KEY: "is it of another realm or environment, or was its key rotated out? Get a new one",
    Reason.TOKEN_SIGNATURE: "was it cut or changed when it was copied? Get a new one",
}


def not_a_jwt(token: str, report: IssuerReport) -> Finding:
    """The finding about a `token` that is not a signed JWT."""
    words = next(finding.words for finding in explain(token) if finding.ok is False)
    if "." in token:
        return Finding("token", False, words, "have the issuer sign it as a JWT, and see that it was copied whole")
    fix = "have the issuer make JWTs for this API"
    if report.introspects:
        fix += ", or ask it about each token: IntrospectionVerifier"
    return Finding("token", False, words, fix)


def signature(token: str, members: Mapping[str, Any], report: IssuerReport) -> Iterator[Finding]:
    """Findings about the signature of `token`, whose header has `members`."""
    alg: object = members.get("alg")
    if alg == "none" or str(alg).startswith("HS"):
        words = "it is not signed" if alg == "none" else f"{shown(alg)}: with a secret, which no issuer can publish"
        yield Finding("signature", False, words, "have the issuer sign its access tokens with RS256 or ES256")
        return
    if not report.keys:
        yield Finding("signature", None, "not verified: there is no key to verify it with")
        return
    read = JWSReader(KeyRing(*report.keys)).read(token)
    if not isinstance(read, Rejected):
        yield Finding("signature", True, f"by the key {shown(read.header.keys[0].kid)} ({read.header.alg})")
        return
    kid: object = members.get("kid")
    refused = next((why for why in report.refused if isinstance(kid, str) and shown(kid) in why), None)
    if refused is not None:
        yield Finding("signature", False, f"by a key that cannot be used: {refused}", "have the issuer replace the key")
        return
    fix = _FIX.get(read.reason, "")
    if read.reason is Reason.TOKEN_ALGORITHM and str(alg).startswith(("RS", "PS")):
        fix = f'where its RSA keys do not say what they are for, say Issuer(..., rsa_algorithm="{alg!s:.5}")'
    published = ", ".join(shown(key.kid) for key in report.keys[:8])
    words = f"{read.detail}; published: {published}" if read.reason is Reason.TOKEN_KEY else read.detail
    yield Finding("signature", False, words, fix)
