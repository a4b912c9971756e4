"""The one way to an issuer: a document by GET, or a form by POST. Whatever goes wrong is `FetchFailed`, a 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from authmw.errors import Unavailable


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
