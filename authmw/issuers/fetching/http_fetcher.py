"""HTTP fetcher: documents of issuers over HTTPS, by urllib3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.http.location import Location
from authmw.issuers.fetching.fetch import Fetched, FetchFailed

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 5.0
"""Seconds for a whole exchange: the name, the connection, TLS, and the last byte of the body."""


MAX_BYTES: Final = 1024 * 1024
"""Bytes of a body. The largest key sets of the big issuers have some 20 KiB."""


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

    @CallMode.OWN_TIMEOUT  # it has a deadline of its own
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
