"""Responses of the endpoints: JSON that no cache stores, and the errors of RFC 6749 §5.2."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from authmw.http.grammar import quote
from authmw.http.reasons import Reason
from authmw.http.response import WITHOUT_CONTENT, Response
from authmw.identity.verdict import Rejected

Headers = tuple[tuple[str, str], ...]

quoted: Final[Callable[[str], str]] = json.JSONEncoder().encode
"""A text as a string of JSON."""
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_NOT_CACHED: Final[Headers] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
# error and error_description = %x20-21 / %x23-5B / %x5D-7E                    RFC 6749 §5.2
_NOT_TOLD: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


@dataclass(frozen=True, slots=True)
class OAuthError:
    """An error response (RFC 6749 §5.2).

    Args:
        error: the registered code, as ``invalid_grant``.
        description: one sentence for the developer of the client. It reveals no more than the code.
        status: 400, or 401 for ``invalid_client``, or the status that HTTP has for the error.
        headers: more headers, as ``WWW-Authenticate``.
        detail: more for the log. It never reaches the client.
        reason: the code for the log, where credentials were rejected for a `Reason`.
    """

    error: str
    description: str = ""
    status: int = 400
    headers: Headers = ()
    detail: str = ""
    reason: str = ""

    def response(self) -> Response:
        """The response."""
        members = {"error": self.error}
        if self.description:
            members["error_description"] = _NOT_TOLD.sub("?", self.description)
        return json_response(members, status=self.status, headers=self.headers)


def json_response(members: Mapping[str, Any], *, status: int = 200, headers: Headers = ()) -> Response:
    """`members` as JSON that no cache stores (RFC 6749 §5.1), unless `headers` have a ``Cache-Control``."""
    return json_text_response(_encode(members), status=status, headers=headers)


def json_text_response(text: str, *, status: int = 200, headers: Headers = ()) -> Response:
    """As `json_response`, of JSON that is written already: the tokens of a grant."""
    return _response(status, (("Content-Type", "application/json"),), text.encode(), headers)


def empty_response(*, status: int = 200, headers: Headers = ()) -> Response:
    """No content (RFC 7009 §2.2)."""
    # PEP 3333's validator wants a Content-Type for every status that may have content, also where there is none.
    kind: Headers = () if status in WITHOUT_CONTENT else (("Content-Type", "text/plain"),)
    return _response(status, kind, b"", headers)


def _response(status: int, kind: Headers, body: bytes, more: Headers) -> Response:
    cached = more and any(name.lower() == "cache-control" for name, _ in more)
    caching: Headers = () if cached else _NOT_CACHED
    length: Headers = () if status in WITHOUT_CONTENT else (("Content-Length", str(len(body))),)
    return Response(status, (*kind, *length, *caching, *more), body)


def invalid_request(description: str) -> OAuthError:
    """The request is malformed (RFC 6749 §5.2)."""
    return OAuthError("invalid_request", description)


def invalid_client(realm: str, *, basic: bool, detail: str = "") -> OAuthError:
    """Client authentication failed (RFC 6749 §5.2). For every reason the response is the same.

    Args:
        realm: for the challenge.
        basic: the client used Basic, so the challenge is Basic.
        detail: for the log.
    """
    challenge: Headers = (("WWW-Authenticate", f"Basic realm={quote(realm)}"),) if basic else ()
    return OAuthError("invalid_client", "Client authentication failed.", 401, challenge, detail)


def invalid_grant(
    description: str = "The grant is invalid, expired or revoked.", *, detail: str = "", reason: str = ""
) -> OAuthError:
    """The credentials or the refresh token get no token (RFC 6749 §5.2). The client is not told why."""
    return OAuthError("invalid_grant", description, detail=detail, reason=reason)


def unavailable(retry_after: int) -> OAuthError:
    """A store does not answer, or too much work is waiting (RFC 7009 §2.2.1 has 503)."""
    return OAuthError("temporarily_unavailable", "Try again later.", 503, (("Retry-After", str(retry_after)),))


def throttled(rejected: Rejected) -> OAuthError | None:
    """The response to an attempt that was not checked; None for any other refusal.

    RFC 6585 §4 has the status for a source that made too many attempts; RFC 6749 has no code for it.
    """
    reason, waiting = rejected.reason, rejected.retry_after or 1
    response = replace(unavailable(waiting), detail=reason.code, reason=reason.code)
    if reason is Reason.ACCOUNT_THROTTLED:
        return response
    if reason is Reason.TOO_MANY_ATTEMPTS:
        return replace(response, description=reason.description, status=reason.status)
    return None


def method_not_allowed(*allowed: str) -> OAuthError:
    """The endpoint has no such method (RFC 9110 §15.5.6)."""
    return OAuthError("invalid_request", f"Use {' or '.join(allowed)}.", 405, (("Allow", ", ".join(allowed)),))


def no_such_endpoint() -> OAuthError:
    """There is no endpoint at that path, or it is turned off."""
    return OAuthError("invalid_request", "There is no such endpoint.", 404)
