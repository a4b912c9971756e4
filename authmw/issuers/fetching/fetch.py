"""The one way to an issuer: a document by GET, or a form by POST. Whatever goes wrong is `FetchFailed`, a 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from authmw.errors import ConfigurationError, Unavailable
from authmw.flow.flow import unhurried
from authmw.http.location import Location

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 5.0
"""Seconds for a whole exchange: the name, the connection, TLS, and the last byte of the body."""
MAX_BYTES: Final = 1024 * 1024
"""Bytes of a body. The largest key sets of the big issuers have some 20 KiB."""


class FetchFailed(Unavailable):
    """An issuer could not be asked, or its answer is of no use. The message names its host and no secret."""

    is_missing: bool = False
    """Whether there is just nothing at that URL."""


class AnswerRefused(FetchFailed):
    """There was an answer, and it is of no use: a redirect, too long, not what it should be.

    Args:
        message: for the log.
        is_missing: whether there is just nothing at that URL.
    """

    def __init__(self, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an issuer answered.

    Args:
        status: any but a redirect.
        headers: by name, in lower case; several of one name are joined by ``", "``.
        body: all of it.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)


class Fetcher(Protocol):
    """Fetches one URL. `authmw.testing.FakeIssuer` is one that needs no network.

    It blocks: ask it through a flow, ``yield from Ask(fetcher.fetch, url)``, and no event loop waits for it.
    """

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        """What `url` answers.

        Args:
            url: from the configuration; with `public`, from a document.
            accept: the media types wanted.
            form: is sent by POST; without it, it is a GET.
            headers: more headers, as ``{"Authorization": …}``.
            public: refuse hosts that are not on the internet: for each URL that somebody else wrote.

        Raises:
            FetchFailed: there is no answer, or it is a redirect, too long or too slow.
        """
        ...


class HTTPFetcher:
    """Fetches over the network, and gives up in time: https (http on loopback only), certificates verified, no
    redirects, no proxy unless asked for, and never more than `max_bytes` or longer than `timeout`.

    Args:
        timeout: seconds for the whole exchange, however slowly it drips.
        max_bytes: of the body.
        ca_file: a file of certificates (PEM) to trust in place of the system's, for an issuer with a private CA.
        proxies: True to go through what ``HTTPS_PROXY`` and ``NO_PROXY`` say. A proxy resolves the names itself,
            so that nothing here can tell where they lead.

    Raises:
        ConfigurationError: a limit is not positive, or `ca_file` does not load.

    >>> HTTPFetcher(timeout=2.0)
    HTTPFetcher(timeout=2.0, max_bytes=1048576)
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        ca_file: str | None = None,
        proxies: bool = False,
    ) -> None:
        mistakes: list[str] = []
        if not 0 < timeout <= 60:
            mistakes.append(f"HTTPFetcher(timeout={timeout}) is in seconds: give more than 0 and at most 60")
        if max_bytes < 1:
            mistakes.append(f"HTTPFetcher(max_bytes={max_bytes}) must be at least 1")
        context = _tls_context(ca_file)
        if isinstance(context, str):
            mistakes.append(context)
        if mistakes or isinstance(context, str):
            raise ConfigurationError(*mistakes)
        from authmw.issuers.fetching.exchange import (
            Exchange,  # loads urllib3: not with authmw, and not during a request
        )

        self._exchange = Exchange
        self.timeout = timeout
        self.max_bytes = max_bytes
        self._context = context
        self._proxies = proxies

    @unhurried  # it has a deadline of its own
    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        """As `Fetcher.fetch`. The address that was looked at is the one that is connected to.

        Raises:
            FetchFailed: there is no answer, or it is a redirect, too long or too slow.
        """
        try:
            location = Location.of(url)
        except ValueError as error:
            raise FetchFailed(f"a URL is not fetched: {error}") from None
        sent = {"Accept": accept, **(headers or {})}
        exchange = self._exchange(location, sent, form, self._context, public=public, proxies=self._proxies)
        status, received, body = exchange.within(self.timeout, self.max_bytes)
        return Fetched(status, received, body)

    def __repr__(self) -> str:
        return f"HTTPFetcher(timeout={self.timeout}, max_bytes={self.max_bytes})"


def _tls_context(ca_file: str | None) -> ssl.SSLContext | str:
    # Here and not at the first fetch: a wrong file is told at once, and the system's certificates take a while to load.
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        return f"HTTPFetcher(ca_file={ca_file!r}) holds no certificates that load ({type(error).__name__})"
