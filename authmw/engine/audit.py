"""The audit log: one record per decision, under the logger ``authmw.audit``, with no secret in it.

Refusals are INFO, what could not be decided is ERROR, successes are DEBUG. Text from the wire is escaped and cut, so
that it cannot forge a line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from authmw.errors import Unavailable
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal

logger: Final = logging.getLogger("authmw.audit")
_MAX_TEXT: Final = 128


def printable(text: str) -> str:
    """`text` fit for one field of one log line: escaped, without spaces, at most 128 characters.

    >>> printable("bob refused\\n")
    'bob\\\\x20refused\\\\n'
    """
    cut = text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
    return cut.encode("unicode_escape").decode("ascii").replace(" ", "\\x20")


def refused(refusal: Refusal, principal: Principal, request: RequestHead) -> None:
    """Record a refusal."""
    if not logger.isEnabledFor(logging.INFO):
        return
    fields = {
        "code": refusal.reason.code,
        "principal": principal.id,
        "credential": principal.credential_id or "",
        "missing": ",".join(refusal.missing),
        "client": request.client,
        "method": request.method,
        "path": request.path,
        "detail": refusal.detail,
    }
    _log(logging.INFO, "refused", fields)


def admitted(principal: Principal, request: Callable[[], RequestHead]) -> None:
    """Record who was let in by the middleware. The head is made only for the record."""
    if logger.isEnabledFor(logging.DEBUG):
        _success("admitted", principal, request())


def allowed(principal: Principal, request: RequestHead) -> None:
    """Record who met what a view asks for."""
    if logger.isEnabledFor(logging.DEBUG):
        _success("allowed", principal, request)


def unavailable(error: Unavailable, request: RequestHead) -> None:
    """Record that no decision could be made. Of the cause only its type is told: its text may hold parameters."""
    cause = type(error.__cause__).__name__ if error.__cause__ is not None else ""
    fields = {
        "code": "authmw.unavailable",
        "error": str(error),
        "cause": cause,
        "at": _innermost(error.__cause__),
        "path": request.path,
    }
    _log(logging.ERROR, "unavailable", fields)


def _innermost(error: BaseException | None) -> str:
    """File and line where it was raised: enough to find a mistake in one's own store."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _success(event: str, principal: Principal, request: RequestHead) -> None:
    fields = {"principal": principal.id, "scheme": principal.scheme, "method": request.method, "path": request.path}
    _log(logging.DEBUG, event, fields)


def _log(level: int, event: str, fields: dict[str, Any]) -> None:
    write(logger, level, event, fields)


def write(to: logging.Logger, level: int, event: str, fields: dict[str, Any]) -> None:
    """One record: the fields that are not empty, each fit for a line of its own log."""
    shown = {name: printable(value) for name, value in fields.items() if value}
    text = " ".join(f"{name}={value}" for name, value in shown.items())
    to.log(level, "authmw %s %s", event, text, extra={"authmw": {"event": event, **shown}})
