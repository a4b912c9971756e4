"""Refusals: what the engine decides, `ALLOWED` or a `Refusal` with its complete response.

The responses of all adapters are made here, so that they have the same bytes: status, challenges, and a body in
``application/problem+json`` (RFC 9457), with ``error`` and ``error_description`` for OAuth clients.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Literal

from authmw.errors import AuthmwError
from authmw.flow.application_code import where_raised
from authmw.http.challenge import Challenge
from authmw.http.navigation import VARY, is_navigation
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.response import Response, close_code_of, phrase_of

logger: Final = logging.getLogger("authmw")
_LOG_IN: Final = b"Log in first.\n"


class Allowed(Enum):
    """The type of `ALLOWED`, the only value with which a request is served. Compare with ``is``."""

    ALLOWED = "allowed"


ALLOWED: Final = Allowed.ALLOWED
"""The requirement is met."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a refusal. An application may make its own, by ``render``."""

    content_type: str
    content: bytes


Render = Callable[["Refusal", RequestHead], Body]
"""Makes the body of a refusal of that request. It can change neither the status nor the challenges."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The refusal of a request.

    Args:
        reason: the reason; its `Reason.code` is for the log, its `Reason.public_code` for the client.
        challenges: the ``WWW-Authenticate`` values, in order.
        scopes: all scopes that the operation needs, if they are known.
        missing: the scopes that the caller lacks, for the log.
        retry_after: seconds to wait, for 429 and 503.
        vary: the request headers that the response depends on.
        detail: more details for the log. They never reach the client.
        render: makes the body; None for `problem_json`.
        headers: further response headers of the scheme (``DPoP-Nonce``).
        pages: the address below which each public code has its page; empty for none.
        request: the request that is refused, for `render` and for what differs for a navigation; None if it is unknown.
        login: where the browser goes to log in instead; empty for everything but a navigation.
    """

    reason: Reason
    challenges: tuple[Challenge, ...] = ()
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    retry_after: int | None = None
    vary: str = ""
    detail: str = field(default="", repr=False)
    render: Render | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    pages: str = ""
    request: RequestHead | None = field(default=None, repr=False, compare=False)
    login: str = field(default="", repr=False)

    @property
    def status(self) -> int:
        """The status of the refusal. A navigation that is sent to the login page gets a 303 instead of a 401."""
        return self.reason.status

    @property
    def is_navigation(self) -> bool:
        """Whether a browser opens a page by the request; see `is_navigation`."""
        return self.request is not None and is_navigation(self.request)

    @property
    def close_code(self) -> int:
        """The code by which a websocket is closed for it (RFC 6455 §7.4): 1008, or 1013 for a status of 500 or more."""
        return close_code_of(self.status)

    @property
    def type(self) -> str:
        """The ``type`` of the problem: the page of its public code, which tells no more than that code.

        Without an address of the pages it is ``about:blank`` (RFC 9457 §4.2.1).
        """
        return self.pages + self.reason.public_code.removeprefix("authmw.") if self.pages else "about:blank"

    def problem(self) -> dict[str, Any]:
        """The members of the problem document (RFC 9457 §3.1)."""
        members: dict[str, Any] = {
            "type": self.type,
            "title": phrase_of(self.status),
            "status": self.status,
            "detail": self.reason.description,
            "code": self.reason.public_code,
        }
        if self.reason.error is not None:
            members["error"] = self.reason.error
            members["error_description"] = self.reason.description
        if self.scopes:
            members["scope"] = " ".join(self.scopes)
        return members

    def response(self) -> Response:
        """The response. `render` can replace the body, but not the status and the challenges."""
        if self.login:
            return self._redirect()
        if self.render is None or self.request is None:
            body = problem_json(self)
        else:
            body = _rendered(self, self.render, self.request)
        headers = [
            ("Content-Type", body.content_type),
            ("Content-Length", str(len(body.content))),
            *self.kept_headers(self.vary),
        ]
        return Response(self.status, tuple(headers), body.content)

    def kept_headers(self, vary: str) -> list[tuple[str, str]]:
        """The headers that stay on the response whatever its body is.

        Args:
            vary: the request headers that the response depends on.
        """
        headers = [("Cache-Control", "no-store")]
        headers += [("WWW-Authenticate", str(challenge)) for challenge in self.challenges]
        if vary:
            headers.append(("Vary", vary))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        return [*headers, *self.headers]

    @property
    def navigation_vary(self) -> str:
        """`vary` with the request headers by which a navigation is told."""
        return ", ".join(dict.fromkeys((*(name for name in self.vary.split(", ") if name), *VARY)))

    def _redirect(self) -> Response:
        """The way to the login page: 303, so that the browser gets it by GET (RFC 9110 §15.4.4)."""
        headers = (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(_LOG_IN))),
            ("Location", self.login),
            ("Cache-Control", "no-store"),
            ("Vary", self.navigation_vary),
            *self.headers,
        )
        return Response(303, headers, _LOG_IN)


Decision = Literal[Allowed.ALLOWED] | Refusal
"""A decision of the engine."""


def problem_json(refusal: Refusal) -> Body:
    """The default body of a refusal: a problem document (RFC 9457)."""
    return Body("application/problem+json", json.dumps(refusal.problem(), separators=(",", ":")).encode())


def _rendered(refusal: Refusal, render: Callable[[Refusal, RequestHead], object], request: RequestHead) -> Body:
    """The body that `render` makes. If it fails, the default one: the refusal has to be sent in any case."""
    try:
        body = render(refusal, request)
    except Exception as error:
        kind, where = type(error).__name__, where_raised(error)
        logger.error("render= raised %s%s: the refusal has the default body", kind, where)
    else:
        if isinstance(body, Body):
            return body
        logger.error("render= returns a Body, not %s: the refusal has the default body", type(body).__name__)
    return problem_json(refusal)


class AccessRefused(AuthmwError):
    """A requirement was not met inside the application. The middleware responds with `refusal`."""

    is_passed_on = True

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(self))

    def __str__(self) -> str:
        code, detail = self.refusal.reason.code, self.refusal.detail
        return f"{code}: {detail}" if detail else code

    def __reduce__(self) -> tuple[Any, ...]:
        # `render` and the request are left out: they may hold what cannot be pickled, and no other process uses them.
        return type(self), (replace(self.refusal, render=None, request=None),)
