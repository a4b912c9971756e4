"""Diagnosis of an issuer: findings about its metadata and its keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from authmw.crypto.claims import MAX_LEEWAY
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.crypto.key import Key
from authmw.http.location import Location
from authmw.issuers.diagnosis.finding import Finding, difference, quoted
from authmw.issuers.discovery import OAUTH, issuer_of, mistakes_in_issuer, well_known_urls
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, Fetcher, FetchFailed
from authmw.issuers.keys.published_keys import PublishedKeys

_SEVERE: Final = {
    "who reads it can sign": "have the issuer replace it at once: nothing it signed can be trusted",
    "keys have the kid": "have the issuer give each key a name of its own: tokens that name this one are refused",
}
_CLOCK_TOLERANCE: Final = 30  # seconds: the default leeway of `Issuer`


@dataclass(frozen=True, slots=True)
class IssuerReport:
    """The findings about an issuer, and its keys.

    Args:
        findings: all findings.
        keys: the usable keys.
        refused: why each of the others cannot be used, one sentence per key.
        introspects: whether its metadata names an introspection endpoint.
    """

    findings: tuple[Finding, ...]
    keys: tuple[Key, ...] = ()
    refused: tuple[str, ...] = ()
    introspects: bool = False

    @property
    def is_itself(self) -> bool:
        """Whether the metadata is that of the named issuer. `Issuer` accepts no other."""
        return not any(found.check == "issuer" and found.ok is False for found in self.findings)


@dataclass(frozen=True, slots=True)
class _Found:
    """A document at a well-known URL."""

    url: str
    document: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str]


def examine(issuer: str, fetcher: Fetcher, *, clock: Callable[[], float]) -> IssuerReport:
    """Examine `issuer`. It blocks.

    Args:
        issuer: the argument as for `Issuer`.
        fetcher: fetches metadata and keys.
        clock: the time, in seconds since the epoch.
    """
    name, findings = _name(issuer)
    if name is None:
        return IssuerReport(tuple(findings))
    found = _discover(name, fetcher)
    if isinstance(found, Finding):
        return IssuerReport((*findings, found))
    findings += [_place(name, found), _issuer(name, found), *_clock(found, clock())]
    keys = _keys(name, found, fetcher)
    findings += [*keys.findings, *features(found.document)]
    return IssuerReport(tuple(findings), keys.keys, keys.refused, "introspection_endpoint" in found.document)


def _name(issuer: str) -> tuple[str | None, list[Finding]]:
    """The name of the issuer, and findings about how it was given."""
    name = issuer_of(issuer)
    if name != issuer:
        wrong = Finding("issuer", False, "that is the URL of its metadata", f"say Issuer({name!r}, ...)")
        return name if not mistakes_in_issuer(name) else None, [wrong]
    mistakes = mistakes_in_issuer(issuer)
    return (None if mistakes else issuer), [Finding("issuer", False, mistake) for mistake in mistakes]


def _discover(issuer: str, fetcher: Fetcher) -> _Found | Finding:
    """The document that names `issuer`, else the first document, else a finding that there is none."""
    first: _Found | None = None
    nothing: list[str] = []
    for url in well_known_urls(issuer):
        try:
            found = _document(url, fetcher.fetch(url))
        except AnswerRefused as error:
            nothing.append(str(error))
            continue
        except FetchFailed as error:
            fix = "open that URL from this machine: is the name right, is it reachable from here, is its CA trusted?"
            return Finding("metadata", False, f"the issuer does not answer: {error}", fix)
        if found.document.get("issuer") == issuer:
            return found
        first = first or found
    fix = "compare the URL with the `iss` of a token, character by character; or say where: Issuer(metadata_url=...)"
    return first or Finding("metadata", False, "there is none: " + "; ".join(dict.fromkeys(nothing)), fix)


def _document(url: str, fetched: Fetched) -> _Found:
    if fetched.status != 200:
        raise AnswerRefused(f"{url} answers {fetched.status}")
    try:
        return _Found(url, parse_object(fetched.body), fetched.headers)
    except ValueError as error:
        raise AnswerRefused(f"{url} is no metadata: {error}") from None


def _place(issuer: str, found: _Found) -> Finding:
    if OAUTH in found.url:
        shape = "RFC 8414"
    elif found.url == well_known_urls(issuer)[0]:
        shape = "OpenID Connect Discovery"
    else:
        shape = "OpenID's, put where RFC 8414 puts it"
    return Finding("metadata", True, f"at {found.url} ({shape})")


def _issuer(issuer: str, found: _Found) -> Finding:
    said: object = found.document.get("issuer")
    if said == issuer:
        return Finding("issuer", True, f"it calls itself {issuer!r}, as it was asked for")
    if not isinstance(said, str):
        return Finding("issuer", False, "its metadata does not say who it is", "this is no authorization server")
    words = f"it calls itself {quoted(said)}{difference(said, issuer)}"
    if "{" in said:
        return Finding("issuer", False, words, "it stands for many tenants: name the one whose users you let in")
    if said.startswith("http:"):
        return Finding("issuer", False, words, "tell the issuer its public https URL: behind a proxy it cannot know")
    only_spelling = said.rstrip("/").lower() == issuer.rstrip("/").lower()
    fix = f"say Issuer({quoted(said)}, ...)"
    return Finding("issuer", False, words, fix if only_spelling else f"if that is the one you mean, {fix}")


def _clock(found: _Found, now: float) -> Iterator[Finding]:
    """The difference of the clocks, if the response has a ``Date`` (RFC 9110 §6.6.1)."""
    from email.utils import parsedate_to_datetime  # loads socket

    try:
        ahead = parsedate_to_datetime(found.headers["date"]).timestamp() - now
    except (KeyError, ValueError, OverflowError):
        return
    if abs(ahead) <= _CLOCK_TOLERANCE:
        yield Finding("clock", True, "this machine's and the issuer's agree")
    else:
        words = f"the issuer's is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
        yield Finding("clock", False, words, f"set both by NTP: Issuer(leeway=...) is for {MAX_LEEWAY} s at most")


def _keys(issuer: str, found: _Found, fetcher: Fetcher) -> IssuerReport:
    url: object = found.document.get("jwks_uri")
    fix = "have the issuer say where its keys are, or say it yourself: Issuer(jwks_uri=...)"
    if not isinstance(url, str):
        return IssuerReport((Finding("jwks_uri", False, "the metadata does not say where the keys are", fix),))
    try:
        elsewhere = Location.of(url).origin != Location.of(found.url).origin
    except ValueError as error:
        return IssuerReport((Finding("jwks_uri", False, f"{quoted(url)}: {error}", fix),))
    if elsewhere and found.document.get("issuer") != issuer:
        words = f"{quoted(url)}, on another host: not fetched, since the metadata is of another issuer"
        return IssuerReport((Finding("jwks_uri", None, words),))
    try:
        fetched = fetcher.fetch(url, accept="application/json, application/jwk-set+json", public=elsewhere)
        if fetched.status != 200:
            raise AnswerRefused(f"it answers {fetched.status}")
        published = PublishedKeys.of(fetched.body)
    except (FetchFailed, ValueError) as error:
        # A URL from the configuration may be in a private network. A URL from a document may not.
        fix = "open that URL from this machine" + ("; if it is yours, say Issuer(jwks_uri=...)" if elsewhere else "")
        return IssuerReport((Finding("jwks_uri", False, f"{quoted(url)}: {error}", fix),))
    place = Finding("jwks_uri", True, quoted(url)[1:-1] + (", on another host" if elsewhere else ""))
    return IssuerReport((place, *_published(published)), published.keys, published.refused)


def _published(published: PublishedKeys) -> Iterator[Finding]:
    counted = Counter(key.alg for key in published.keys)
    said = ", ".join(f"{count} for {alg}" for alg, count in counted.items())
    if published.keys:
        yield Finding("keys", True, f"{len(published.keys)} to verify with: {said}")
    else:
        fix = "no token can be verified: have the issuer sign with RS256, ES256, PS256 or EdDSA"
        yield Finding("keys", False, "none that can be used", fix)
    for why in published.refused:
        severe = next((fix for words, fix in _SEVERE.items() if words in why), None)
        ok = None if severe is None else False
        yield Finding("unusable key", ok, why, severe or "tokens signed by it are refused")


def features(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Information about the features of the issuer."""
    endpoint: object = document.get("introspection_endpoint")
    if isinstance(endpoint, str):
        yield Finding(
            "introspection", None, f"{quoted(endpoint)[1:-1]}: IntrospectionVerifier can ask about opaque tokens"
        )
    else:
        yield Finding("introspection", None, "no endpoint is named: opaque tokens cannot be verified")
    if "S256" in _texts(document.get("code_challenge_methods_supported")):
        yield Finding("PKCE", None, "S256")
    elif "authorization_endpoint" in document:
        words = "it does not say that it supports S256: MCP clients, for example, then do not log in"
        yield Finding("PKCE", None, words, "switch it on, or find out whether only the metadata lacks it")
    grants = _texts(document.get("grant_types_supported"))
    if grants:
        old = [grant for grant in grants if grant in ("implicit", "password")]
        fix = f"switch {' and '.join(old)} off where no client needs it (RFC 9700 §2.1.2, §2.4)" if old else ""
        yield Finding("grants", None, ", ".join(shown(grant)[1:-1] for grant in grants[:12]), fix)
    bound = _texts(document.get("dpop_signing_alg_values_supported"))
    if bound:
        words = f"it binds tokens to keys, by {', '.join(shown(alg)[1:-1] for alg in bound[:12])}"
        yield Finding("DPoP", None, words + ": HTTPDPoP takes them")


def _texts(value: object) -> list[str]:
    return [each for each in cast("list[object]", value) if isinstance(each, str)] if isinstance(value, list) else []
