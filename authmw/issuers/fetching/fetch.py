"""Protocol of fetchers: one document by GET, or one form by POST. A failure is `FetchFailed`, which becomes a 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from authmw.errors import Unavailable


class FetchFailed(Unavailable):
    """An issuer gave no usable response. The message names its host and contains no secret."""

    is_missing: bool = False
    """Whether there is no document at that URL (404 or 410)."""


class AnswerRefused(FetchFailed):
    """The response of an issuer cannot be used: it is a redirect, too long or invalid.

    Args:
        message: for the log.
        is_missing: whether there is no document at that URL (404 or 410).
    """

    def __init__(self, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response of an issuer.

    Args:
        status: any but a redirect.
        headers: by name in lower case. Headers with the same name are joined by ``", "``.
        body: the whole body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)


class Fetcher(Protocol):
    """Fetches one URL. `authmw.testing.FakeIssuer` is a fetcher that needs no network.

    It blocks. In a flow use ``yield from Ask(fetcher.fetch, url)``: then no event loop is blocked.
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
        """The response of `url`.

        Args:
            url: from the configuration. With `public`, from a document.
            accept: the accepted media types.
            form: sent as the body of a POST. None for a GET.
            headers: more headers, as ``{"Authorization": …}``.
            public: refuse a host with an address that is not public. Set it for each URL from a document.

        Raises:
            FetchFailed: there is no response, or it is a redirect, too long or too slow.
        """
        ...
