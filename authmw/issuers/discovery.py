"""What an issuer says about itself, found where the specifications put it.

OpenID Connect Discovery 1.0 §4 appends its path to the issuer, RFC 8414 §3.1 inserts one between the host and the
path, and MCP clients look for OpenID's inserted too. The first document that names exactly this issuer counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.http.location import Location, mistake_in_url
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, Fetcher, FetchFailed
from authmw.issuers.fetching.freshness import lifetime
from authmw.issuers.fetching.http_fetcher import TIMEOUT

OPENID: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of an issuer.

    Args:
        issuer: byte for byte what was asked for (RFC 8414 §3.3).
        url: where it was found.
        jwks_uri: where the keys are: https, or http on this machine.
        document: all of it.
        lifetime: seconds for which it may be kept; None where the answer does not say.
    """

    issuer: str
    url: str
    jwks_uri: str
    document: Mapping[str, Any] = field(repr=False)
    lifetime: float | None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the keys are on another server than the metadata, which then has to be on the internet."""
        return Location.of(self.jwks_uri).origin != Location.of(self.url).origin


def mistakes_in_issuer(issuer: object) -> list[str]:
    """What is wrong with `issuer` as the name of an issuer (RFC 8414 §2), each with its fix."""
    if not isinstance(issuer, str) or not issuer:
        return ["issuer is empty: give the exact `iss` of its tokens, as 'https://id.example/realms/shop'"]
    if "/.well-known/" in issuer:
        return [f"issuer={issuer!r} is the URL of its metadata: give the `issuer` that stands in it"]
    wrong = mistake_in_url(issuer, query=False)
    return [f"issuer={issuer!r}: {wrong}; give the exact `iss` of its tokens, an https:// URL"] if wrong else []


def well_known_urls(issuer: str) -> tuple[str, ...]:
    """Where the metadata of `issuer` may be, the likeliest first.

    >>> for url in well_known_urls("https://id.example/shop"): print(url)
    https://id.example/shop/.well-known/openid-configuration
    https://id.example/.well-known/oauth-authorization-server/shop
    https://id.example/.well-known/openid-configuration/shop
    """
    parts = urlsplit(issuer)
    host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return tuple(dict.fromkeys((f"{host}{path}{OPENID}", f"{host}{OAUTH}{path}", f"{host}{OPENID}{path}")))


def issuer_of(url: str) -> str:
    """The issuer whose metadata is at `url`, or `url` itself when that is no well-known URL.

    >>> issuer_of("https://id.example/shop/.well-known/openid-configuration")
    'https://id.example/shop'
    >>> issuer_of("https://id.example/.well-known/oauth-authorization-server/shop")
    'https://id.example/shop'
    """
    for well_known in (OPENID, OAUTH):
        before, found, after = url.partition(well_known)
        if found:
            return before + after
    return url


def discover(fetcher: Fetcher, issuer: str, urls: tuple[str, ...] = ()) -> Metadata:
    """The metadata of `issuer`. It blocks.

    Args:
        fetcher: asks.
        issuer: the exact name.
        urls: where to look; the well-known places unless given.

    Raises:
        FetchFailed: it is nowhere, or what is there is none, or is another issuer's.
    """
    failure: FetchFailed | None = None
    began = monotonic()
    for url in urls or well_known_urls(issuer):
        try:
            return read_metadata(fetcher.fetch(url), issuer, url)
        except AnswerRefused as error:
            # What was found and is wrong says more than what was not found.
            failure = failure if failure is not None and not failure.is_missing else error
        if monotonic() - began > TIMEOUT:
            break
    raise failure or AnswerRefused(f"{issuer}: there is no metadata")


def read_metadata(fetched: Fetched, issuer: str, url: str) -> Metadata:
    """The metadata in an answer.

    Raises:
        AnswerRefused: it is none, or is another issuer's.
    """
    if fetched.status != 200:
        raise AnswerRefused(f"{url} answers {fetched.status}", is_missing=fetched.status in (404, 410))
    try:
        document = parse_object(fetched.body)
    except ValueError as error:
        raise AnswerRefused(f"{url} is no metadata: {error}") from None
    # RFC 8414 §3.3: identical, or the document is of somebody else, and must not be used.
    if document.get("issuer") != issuer:
        raise AnswerRefused(
            f"{url} is the metadata of {shown(document.get('issuer'))}, not of {issuer!r}: if that is meant, "
            "configure it in exactly this spelling"
        )
    jwks_uri: object = document.get("jwks_uri")
    try:
        Location.of(jwks_uri if isinstance(jwks_uri, str) else "")
    except ValueError as error:
        raise AnswerRefused(f"{url} has no jwks_uri that may be fetched: {error}") from None
    return Metadata(issuer, url, str(jwks_uri), document, lifetime(fetched.headers))
