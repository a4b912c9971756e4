"""Introspection endpoint of an authorization server, from its metadata (RFC 8414 §2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from authmw.errors import ConfigurationError
from authmw.flow.clocks import monotonic
from authmw.flow.single_flight import SingleFlight
from authmw.http.location import Location, without_query
from authmw.issuers.discovery import Metadata, discover, mistakes_in_issuer
from authmw.issuers.fetching.fetch import AnswerRefused, Fetcher
from authmw.issuers.fetching.http_fetcher import HTTPFetcher

KEPT: Final = (300.0, 86400.0)
"""The shortest and the longest time in seconds for which metadata is kept."""


class Endpoint(NamedTuple):
    """URL of an introspection endpoint.

    Args:
        url: as configured or found.
        public: whether its address must be public: if a document of another server named it.
    """

    url: str
    public: bool = False


class DiscoveredEndpoint:
    """The introspection endpoint of an issuer: found with the first token, and kept as long as its metadata allows.

    Args:
        issuer: the exact name, as in its metadata.
        fetcher: fetches the metadata; over the network by default.
        timer: a monotonic clock in seconds.

    Raises:
        ConfigurationError: `issuer` cannot be the name of an issuer.

    >>> DiscoveredEndpoint("https://id.example")
    DiscoveredEndpoint('https://id.example')
    """

    def __init__(self, issuer: str, *, fetcher: Fetcher | None = None, timer: Callable[[], float] = monotonic) -> None:
        mistakes = mistakes_in_issuer(issuer)
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.issuer = issuer
        self.fetcher: Fetcher = HTTPFetcher() if fetcher is None else fetcher
        self._timer = timer
        self._flight = SingleFlight[Endpoint]()
        self._known: tuple[Endpoint, float] | None = None

    def locate(self) -> Endpoint:
        """The current endpoint. It blocks.

        Raises:
            FetchFailed: there is no metadata, or it names no endpoint with a permitted URL.
        """
        return self._at_hand() or self._flight.once("endpoint", self._discover)

    def _at_hand(self) -> Endpoint | None:
        known = self._known
        return known[0] if known is not None and self._timer() < known[1] else None

    def _discover(self) -> Endpoint:
        known = self._at_hand()
        if known is not None:  # another request has discovered it since this one looked
            return known
        metadata = discover(self.fetcher, self.issuer)
        endpoint = _endpoint_in(metadata)
        least, most = KEPT
        self._known = endpoint, self._timer() + min(max(metadata.lifetime or 0.0, least), most)
        return endpoint

    def __repr__(self) -> str:
        return f"DiscoveredEndpoint({self.issuer!r})"


def _endpoint_in(metadata: Metadata) -> Endpoint:
    url: object = metadata.document.get("introspection_endpoint")
    if not isinstance(url, str):
        raise AnswerRefused(f"{without_query(metadata.url)} names no introspection_endpoint")
    try:
        location = Location.of(url)
    except ValueError as error:
        raise AnswerRefused(
            f"{without_query(metadata.url)} has no introspection_endpoint that may be asked: {error}"
        ) from None
    return Endpoint(url, location.origin != Location.of(metadata.url).origin)
