"""Source of the keys of an issuer: it finds the URL in the metadata and fetches the JWK Set."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from authmw.crypto.key import Key
from authmw.flow.clocks import monotonic
from authmw.http.location import without_query
from authmw.issuers.discovery import Metadata, discover
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, Fetcher, FetchFailed
from authmw.issuers.fetching.freshness import lifetime
from authmw.issuers.keys.published_keys import PublishedKeys

logger: Final = logging.getLogger("authmw.issuers")
METADATA_LIFETIME: Final = (3600.0, 86400.0)
"""The shortest and the longest time in seconds for which metadata is kept."""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """The answer of a key source.

    Args:
        keys: the keys to verify with, at least one.
        lifetime: seconds for which they are fresh; None if the response does not say.
    """

    keys: tuple[Key, ...]
    lifetime: float | None


class NoKeys(FetchFailed):
    """The issuer publishes no usable key. So the keys that it published before are withdrawn."""


class KeySource(Protocol):
    """Fetches the keys of one issuer. It may block."""

    def keys(self) -> KeyAnswer:
        """The keys that are published now.

        Raises:
            NoKeys: none of them can be used.
            FetchFailed: they could not be fetched.
        """
        ...


class PublishedAt:
    """Fetches the keys that an issuer publishes over HTTP. One thread at a time may use it.

    Args:
        issuer: the exact name.
        fetcher: fetches metadata and keys.
        metadata_urls: the URLs of its metadata; the well-known ones if empty.
        jwks_uri: the URL of its keys, from the configuration. Then no metadata is fetched.
        rsa_algorithm: the algorithm of RSA keys that do not name one.
        timer: a monotonic clock in seconds.
    """

    def __init__(
        self,
        issuer: str,
        fetcher: Fetcher,
        *,
        metadata_urls: tuple[str, ...] = (),
        jwks_uri: str | None = None,
        rsa_algorithm: str = "RS256",
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._metadata_urls = metadata_urls
        self._jwks_uri = jwks_uri
        self._rsa_algorithm = rsa_algorithm
        self._timer = timer
        self._metadata: tuple[Metadata, float] | None = None
        self._read: tuple[bytes, tuple[Key, ...]] | None = None
        self._warned: tuple[str, ...] = ()

    def keys(self) -> KeyAnswer:
        """The keys that are published now.

        Raises:
            NoKeys: none of them can be used.
            FetchFailed: they could not be fetched.
        """
        url, public = self._location()
        try:
            fetched = self._fetcher.fetch(url, accept="application/json, application/jwk-set+json", public=public)
            keys = self._keys_in(fetched, url)
        except FetchFailed:
            self._metadata = None  # the URL of the keys may have changed
            raise
        if not keys:
            raise NoKeys(f"{without_query(url)} holds no key that can be used")
        return KeyAnswer(keys, lifetime(fetched.headers))

    def _location(self) -> tuple[str, bool]:
        """The URL of the keys, and whether its address must be public: if a document of another server named it."""
        if self._jwks_uri is not None:
            return self._jwks_uri, False
        now = self._timer()
        if self._metadata is None or now >= self._metadata[1]:
            metadata = discover(self._fetcher, self._issuer, self._metadata_urls)
            least, most = METADATA_LIFETIME
            self._metadata = metadata, now + min(max(metadata.lifetime or 0.0, least), most)
        found = self._metadata[0]
        return found.jwks_uri, found.is_elsewhere

    def _keys_in(self, fetched: Fetched, url: str) -> tuple[Key, ...]:
        if fetched.status != 200:
            raise AnswerRefused(f"{without_query(url)} answers {fetched.status}")
        if self._read is not None and self._read[0] == fetched.body:
            return self._read[1]
        try:
            published = PublishedKeys.of(fetched.body, rsa_algorithm=self._rsa_algorithm)
        except ValueError as error:
            raise AnswerRefused(f"{without_query(url)}: {error}") from None
        if published.refused != self._warned:
            self._warned = published.refused
            for why in published.refused:
                logger.warning("a key of %s is not used: %s", self._issuer, why)
        self._read = fetched.body, published.keys
        return published.keys
