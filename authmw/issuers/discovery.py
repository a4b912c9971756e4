"""Discovery of the metadata of an issuer, at its well-known URLs.

OpenID Connect Discovery 1.0 §4 appends its path to the issuer. RFC 8414 §3.1 inserts its path between the host and the
path of the issuer. MCP clients also try the path of OpenID, inserted. The first document that names exactly this issuer
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.http.location import Location, mistake_in_url, without_query
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, Fetcher, FetchFailed
from authmw.issuers.fetching.freshness import lifetime
from authmw.issuers.fetching.http_fetcher import TIMEOUT

OPENID: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of an issuer.

    Args:
        issuer: byte for byte the name that was asked for (RFC 8414 §3.3).
        url: its URL.
        jwks_uri: the URL of the keys: https, or http on this machine.
        document: the whole document.
        lifetime: seconds for which it may be kept; None if the response does not say.
    """

    issuer: str
    url: str
    jwks_uri: str
    document: Mapping[str, Any] = field(repr=False)
    lifetime: float | None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the keys are on another server than the metadata. That server must then have a public address."""
        return Location.of(self.jwks_uri).origin != Location.of(self.url).origin


def mistakes_in_issuer(issuer: object) -> list[str]:
    """The mistakes in `issuer` as the name of an issuer (RFC 8414 §2), each with its fix."""
    if not isinstance(issuer, str) or not issuer:
        return ["issuer is empty: give the exact `iss` of its tokens, as 'https://id.example/realms/shop'"]
    if "/.well-known/" in issuer:
        return [f"issuer={issuer!r} is the URL of its metadata: give the `issuer` that stands in it"]
    wrong = mistake_in_url(issuer, query=False)
    return [f"issuer={issuer!r}: {wrong}; give the exact `iss` of its tokens, an https:// URL"] if wrong else []


def well_known_urls(issuer: str) -> tuple[str, ...]:
    """The URLs where the metadata of `issuer` may be, the likeliest first.

    >>> for url in well_known_urls("https://id.example/shop"): print(url)
    https://id.example/shop/.well-known/openid-configuration
    https://id.example/.well-known/oauth-authorization-server/shop
    https://id.example/.well-known/openid-configuration/shop
    """
    parts = urlsplit(issuer)
    host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return tuple(dict.fromkeys((f"{host}{path}{OPENID}", f"{host}{OAUTH}{path}", f"{host}{OPENID}{path}")))


def issuer_of(url: str) -> str:
    """The issuer whose metadata is at `url`, or `url` itself if that is not a well-known URL.

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
        fetcher: fetches the documents.
        issuer: the exact name.
        urls: the URLs to try; the well-known ones by default.

    Raises:
        FetchFailed: there is no metadata at these URLs, or only invalid metadata or that of another issuer.
    """
    failure: FetchFailed | None = None
    began = monotonic()
    for url in urls or well_known_urls(issuer):
        try:
            return read_metadata(fetcher.fetch(url), issuer, url)
        except AnswerRefused as error:
            # A wrong document is a better error message than a missing one.
            failure = failure if failure is not None and not failure.is_missing else error
        if monotonic() - began > TIMEOUT:
            break
    raise failure or AnswerRefused(f"{issuer}: there is no metadata")


def read_metadata(fetched: Fetched, issuer: str, url: str) -> Metadata:
    """The metadata in a response.

    Raises:
        AnswerRefused: it is not metadata, or it is that of another issuer.
    """
    place = without_query(url)
    if fetched.status != 200:
        raise AnswerRefused(f"{place} answers {fetched.status}", is_missing=fetched.status in (404, 410))
    try:
        document = parse_object(fetched.body)
    except ValueError as error:
        raise AnswerRefused(f"{place} is no metadata: {error}") from None
    # RFC 8414 §3.3: if the names are not identical, the document must not be used.
    if document.get("issuer") != issuer:
        raise AnswerRefused(
            f"{place} is the metadata of {shown(document.get('issuer'))}, not of {issuer!r}: if that is meant, "
            "configure it in exactly this spelling"
        )
    jwks_uri: object = document.get("jwks_uri")
    try:
        Location.of(jwks_uri if isinstance(jwks_uri, str) else "")
    except ValueError as error:
        raise AnswerRefused(f"{place} has no jwks_uri that may be fetched: {error}") from None
    return Metadata(issuer, url, str(jwks_uri), document, lifetime(fetched.headers))
