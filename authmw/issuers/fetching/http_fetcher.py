"""Fetcher of issuers' documents over HTTPS, by urllib3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.flow.durations import Seconds, seconds
from authmw.http.location import Location
from authmw.issuers.fetching.fetch import Fetched, FetchFailed

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 5.0
"""Seconds for a whole exchange: DNS, connection, TLS, and the last byte of the body."""


MAX_BYTES: Final = 1024 * 1024
"""The largest body, in bytes. The largest key sets of the big issuers have some 20 KiB."""


class HTTPFetcher:
    """Fetches over the network, within `timeout` seconds and `max_bytes` bytes.

    Only https (http on loopback), with verified certificates. It follows no redirects, and uses a proxy only with
    `proxies`.

    Args:
        timeout: seconds for the whole exchange, also if the server sends byte by byte.
        max_bytes: the largest body.
        ca_file: a file of certificates (PEM) to trust in place of the system's, for an issuer with a private CA.
        proxies: True to use the proxy from ``HTTPS_PROXY`` and ``NO_PROXY``. A proxy resolves names itself, so private
            addresses behind a name cannot be refused here.

    Raises:
        ConfigurationError: a limit is not positive, or `ca_file` does not load.

    >>> HTTPFetcher(timeout=2.0)
    HTTPFetcher(timeout=2.0, max_bytes=1048576)
    """

    def __init__(
        self,
        *,
        timeout: Seconds = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        ca_file: str | None = None,
        proxies: bool = False,
    ) -> None:
        mistakes: list[str] = []
        timeout = seconds(timeout, "timeout")
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
            Exchange,  # loads urllib3: neither at the import of authmw nor during a request
        )

        self._exchange = Exchange
        self.timeout: float = timeout
        self.max_bytes = max_bytes
        self._context = context
        self._proxies = proxies

    @CallMode.OWN_TIMEOUT  # the exchange has a deadline of its own
    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        """As `Fetcher.fetch`. The connection goes to the address that was checked.

        Raises:
            FetchFailed: there is no response, or it is a redirect, too long or too slow.
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
    # At construction and not at the first fetch: a wrong file is an error at once, and the system's certificates load
    # slowly.
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        return f"HTTPFetcher(ca_file={ca_file!r}) holds no certificates that load ({type(error).__name__})"
