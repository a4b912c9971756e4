"""`Document`: the bytes and the headers of a page for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authmw.pages.policy import content_security_policy

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A page as it is sent.

    Args:
        content: the bytes of the body.
        headers: names and values, without a ``Content-Length``.
    """

    content: bytes
    headers: Headers


def document(
    html: str | bytes, *, language: str, sources: Mapping[str, Iterable[str]], forms: Iterable[str]
) -> Document:
    """The document with this HTML.

    Args:
        html: the whole page.
        language: the language tag of its text.
        sources: directive → sources of its policy.
        forms: where its forms may be sent, as sources; nowhere if there are none.
    """
    targets = tuple(forms)
    return Document(
        html if isinstance(html, bytes) else html.encode("utf-8", "replace"),
        (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", language),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", content_security_policy(sources, targets or ("'none'",))),
            # The URL of a page may contain a token, which no other page may learn (RFC 9700 §4.2.4). With no-referrer,
            # browsers would send "Origin: null" with a form (Fetch §3.2.5), as another site can make them do. With
            # strict-origin they send the origin of the page, and it alone as Referer.
            ("Referrer-Policy", "strict-origin" if targets else "no-referrer"),
            ("X-Frame-Options", "DENY"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ),
    )
