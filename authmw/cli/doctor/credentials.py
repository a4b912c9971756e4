"""Findings about the credentials that an application takes: keys, algorithms, issuers, audiences, cookies, proxies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from authmw.engine.auth import Auth
from authmw.issuers.diagnosis.diagnose import diagnose
from authmw.issuers.diagnosis.finding import Finding, quoted
from authmw.issuers.issuer import Issuer
from authmw.issuers.profiles import PROFILES
from authmw.issuers.several import Issuers
from authmw.schemes.api_key import APIKeyCookie, APIKeyQuery
from authmw.schemes.base import SecurityScheme
from authmw.schemes.token_cookie import TokenCookie
from authmw.schemes.trusted_header import TrustedHeader
from authmw.verifiers.jwt import JWTVerifier


def findings_on_credentials(auth: Auth) -> Iterator[Finding]:
    """What is found about each scheme of `auth`, and about its verifier."""
    names = ", ".join(scheme.name for scheme in auth.schemes)
    yield Finding("credentials", True, f"{names}, in the realm {quoted(auth.realm)}")
    for scheme in auth.schemes:
        yield from _of_scheme(scheme)
        for verifier in verifiers_in(scheme.verifier):
            yield from _of_verifier(verifier)


def verifiers_in(verifier: object) -> Iterator[object]:
    """`verifier`, and those that it asks, as `Issuers` does and one for DPoP proofs."""
    if verifier is None:
        return
    yield verifier
    for each in vars(verifier).values() if hasattr(verifier, "__dict__") else ():
        for one in cast("tuple[object, ...]", each) if isinstance(each, tuple) else (each,):
            if one is not verifier and callable(getattr(one, "verify", None)) and hasattr(one, "accepts"):
                yield from verifiers_in(one)


def _of_scheme(scheme: SecurityScheme[Any]) -> Iterator[Finding]:
    if scheme.verifier is None:
        words = f"{scheme.name} has no verifier, so it authenticates nobody"
        yield Finding("verifier", None, words, f"write {type(scheme).__name__}(..., verifier), or verify in the view")
    if isinstance(scheme, TokenCookie | APIKeyCookie):
        yield _of_cookie(scheme)
    if isinstance(scheme, APIKeyQuery):
        words = f"the query parameter {quoted(scheme.parameter)} is written into logs and histories, with its key"
        yield Finding("query", None, words, "send the key in a header: APIKeyHeader")
    if isinstance(scheme, TrustedHeader):
        words = f"{scheme.header} is taken from the declared proxies only; other peers that send it are refused"
        yield Finding("proxy", True, words)


def _of_cookie(scheme: TokenCookie | APIKeyCookie) -> Finding:
    if isinstance(scheme, TokenCookie):
        return Finding("cookie", True, f"{quoted(scheme.cookie)}, for the pages of {', '.join(sorted(scheme.origins))}")
    words = f"{quoted(scheme.parameter)} is taken in requests that pages of other sites make"
    return Finding("cookie", None, words, "protect unsafe methods against CSRF, or use TokenCookie")


def _of_verifier(verifier: object) -> Iterator[Finding]:
    if isinstance(verifier, Issuer):
        yield from _of_issuer(verifier)
    elif isinstance(verifier, JWTVerifier):
        yield from _of_jwts(verifier)
    elif isinstance(verifier, Issuers):
        yield Finding("issuers", True, f"{len(verifier.members)}, each by its name")


def _of_issuer(issuer: Issuer) -> Iterator[Finding]:
    """What the application reaches at an issuer, by its own fetcher."""
    audience = issuer.audience if isinstance(issuer.audience, str) else None
    profile = next((name for name, each in PROFILES.items() if each == issuer.profile), None)
    yield from diagnose(issuer.issuer, issuer.fetcher, audience=audience, profile=profile)
    yield Finding("audience", True, quoted(issuer.audience) if audience else "several")


def _of_jwts(verifier: JWTVerifier) -> Iterator[Finding]:
    keys = verifier.reader.ring.current.keys
    algorithms = ", ".join(f"{number} for {alg}" for alg, number in Counter(key.alg for key in keys).items())
    if any(key.symmetric for key in keys):
        words = f"{algorithms}: who verifies with a secret can sign too"
        yield Finding("keys", None, words, "use key pairs where another program verifies: KeyRing.generate('ES256')")
    else:
        yield Finding("keys", True, algorithms)
    if verifier.rules.issuer is None:
        words = "tokens of every issuer are taken that one of these keys signed"
        yield Finding("issuer", None, words, "write JWTVerifier(issuer=...)")
    else:
        yield Finding("issuer", True, quoted(verifier.rules.issuer))
    audiences = sorted(verifier.rules.audiences)
    if audiences:
        yield Finding("audience", True, " or ".join(map(quoted, audiences)))
    else:
        words = "none is configured, so that tokens for another program of the same issuer are taken if they name none"
        yield Finding("audience", None, words, "write JWTVerifier(audience=...)")
