"""Navigations: requests by which a browser opens a page, as opposed to those of a page's scripts and of programs.

A person behind a navigation sees its response, so a redirect to a login page or a page in HTML helps. For everything
else it would be a success that was not earned: ``pip`` and ``fetch`` follow redirects.
"""

from __future__ import annotations

from typing import Final

from authmw.http.request import RequestHead

VARY: Final = ("Authorization", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Accept")
"""The request headers that `is_navigation` reads."""

_METHODS: Final = frozenset({"GET", "HEAD"})
_FETCH_METADATA: Final = "sec-fetch-"
# Browsers send it for navigations in any release. pip, git, curl, `fetch`, htmx and images send */* or types of their
# own, and Java's HttpURLConnection sends text/html.
_PAGE: Final = "application/xhtml+xml"


def is_navigation(request: RequestHead) -> bool:
    """Whether a browser opens a page by `request`, in a window and not in a frame.

    Browsers say so by ``Sec-Fetch-Mode: navigate`` and ``Sec-Fetch-Dest: document`` (Fetch Metadata §2.1, §2.2;
    Fetch §3.1.7). They send no such header to an origin that is not trustworthy (plain HTTP, but for loopback), and
    old ones never do: then ``Accept`` decides. A script can set ``Accept``, but no header that begins with ``Sec-``
    (Fetch §2.2.2). A request with ``Authorization`` is that of a program, or of a browser that needs no login page.

    >>> from authmw.wsgi import WSGIRequest
    >>> opened = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
    >>> is_navigation(WSGIRequest({"REQUEST_METHOD": "GET", **opened}))
    True
    >>> is_navigation(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_SEC_FETCH_MODE": "cors"}))
    False
    >>> is_navigation(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_ACCEPT": "text/html,application/xhtml+xml"}))
    True
    """
    return request.method in _METHODS and shows_response(request)


def shows_response(request: RequestHead) -> bool:
    """Whether a browser shows the response to `request` to a person: to a navigation, or to a form that a page sends.

    >>> from authmw.wsgi import WSGIRequest
    >>> sent = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
    >>> shows_response(WSGIRequest({"REQUEST_METHOD": "POST", **sent}))
    True
    """
    if request.authorization_text is not None or request.is_websocket:
        return False
    if any(name.startswith(_FETCH_METADATA) for name, _ in request.headers):
        return request.header("sec-fetch-mode") == "navigate" and request.header("sec-fetch-dest") == "document"
    return _accepts_pages(request.header("accept") or "")


def _accepts_pages(accept: str) -> bool:
    """Whether ``Accept`` names XHTML (RFC 9110 §12.5.1), and does not rule it out by a weight of zero."""
    for member in accept.lower().split(","):
        kind, *params = (part.strip(" \t") for part in member.split(";"))
        if kind == _PAGE:
            return not any(name.startswith("q=") and not name[2:].strip("0.") for name in params)
    return False
