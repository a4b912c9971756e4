"""Audit log: one record per decision, under the logger ``authmw.audit``, without secrets.

Refusals are INFO, failures to decide are ERROR, successes are DEBUG. Text from the request is escaped and cut, so that
a client cannot forge a line.
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
    """`text` as one field of one log line: escaped, without spaces, cut after 128 characters.

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
    """Record a caller whom the middleware let in. `request` makes the head, which only this record needs."""
    if logger.isEnabledFor(logging.DEBUG):
        _success("admitted", principal, request())


def allowed(principal: Principal, request: RequestHead) -> None:
    """Record a caller who met the requirement of a view."""
    if logger.isEnabledFor(logging.DEBUG):
        _success("allowed", principal, request)


def unavailable(error: Unavailable, request: RequestHead) -> None:
    """Record that no decision could be made. Only the type of the cause is logged: its text may hold parameters."""
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
    """File and line where `error` was raised, so that a mistake in an application's own store can be found."""
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
    """Write one record: the fields that are not empty, each as `printable` text."""
    shown = {name: printable(value) for name, value in fields.items() if value}
    text = " ".join(f"{name}={value}" for name, value in shown.items())
    to.log(level, "authmw %s %s", event, text, extra={"authmw": {"event": event, **shown}})
