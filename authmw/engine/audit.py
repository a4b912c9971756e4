"""Audit log: one record per decision, under the logger ``authmw.audit``, without secrets.

Refusals are INFO, failures to decide are ERROR, successes are DEBUG. `authmw.events.log` writes them, so that a client
cannot forge a line.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from authmw.errors import Unavailable
from authmw.events import log
from authmw.events.hub import hub
from authmw.events.log import Field
from authmw.flow.application_code import has_text_of_application, raised_at
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.validity import Ending

if TYPE_CHECKING:
    from authmw.schemes.base import SecurityScheme

logger: Final = logging.getLogger("authmw.audit")
_MAX_FILE: Final = 100
_MAX_PARTS: Final = 3


def refused(refusal: Refusal, principal: Principal, request: RequestHead) -> None:
    """Record a refusal."""
    if hub.listening:
        _tell_of_refusal(refusal, principal, request)
    if not log.is_written(logger, logging.INFO, debug=request.debug):
        return
    fields: dict[str, Field] = {
        "code": refusal.reason.code,
        "principal": principal.id,
        "credential": principal.credential_id or "",
        "missing": refusal.missing,
        "client": request.client,
        "method": request.method,
        "path": request.path,
        "status": refusal.status,
        "detail": refusal.detail,
    }
    log.write(logger, logging.INFO, "refused", fields, debug=request.debug)


class HasRequest(Protocol):
    """An object that makes the head of its request when it is read."""

    @property
    def request(self) -> RequestHead:
        """The head of the request."""
        ...


def admitted(principal: Principal, call: HasRequest) -> None:
    """Record a caller whom the middleware let in. Only this record needs the head of the request."""
    if hub.listening and principal.is_authenticated:
        _tell_of_success(principal, call.request)
    if logger.isEnabledFor(logging.DEBUG):
        _success("admitted", principal, call.request)


def allowed(principal: Principal, request: RequestHead) -> None:
    """Record a caller who met the requirement of a view."""
    if logger.isEnabledFor(logging.DEBUG):
        _success("allowed", principal, request)


def closed(ending: Ending, principal: Principal, request: RequestHead) -> None:
    """Record a connection that was ended since the credentials that opened it do not hold any more."""
    fields: dict[str, Field] = {
        "why": ending.value,
        "principal": principal.id,
        "credential": principal.credential_id or "",
        "client": request.client,
        "path": request.path,
    }
    log.write(logger, logging.INFO, "closed", fields)


def unavailable(
    error: Unavailable, request: RequestHead, schemes: tuple[SecurityScheme[Any], ...] | None = None
) -> str:
    """Record that no decision could be made, and where code of the application failed.

    The text of an exception may hold parameters, so only its type is logged. That of the failure itself is logged
    without the credentials of the request. In debug mode and at DEBUG, a second record has the traceback without them.

    Args:
        error: why there is no decision.
        request: the request.
        schemes: the schemes that read the credentials; None where they may be in the body, and then there is neither a
            traceback nor a text that the application wrote.

    Returns:
        the text of the failure, as it is logged.
    """
    if hub.listening:
        _tell_of_refusal(Refusal(Reason.UNAVAILABLE), ANONYMOUS, request)
    cause = error.__cause__
    place = None if cause is None else raised_at(cause)
    text = _text_of(error, request, schemes)
    fields = {
        "code": "authmw.unavailable",
        "error": text,
        "cause": "" if cause is None else _types_of(cause),
        "at": "" if place is None else f"{place.file[-_MAX_FILE:]}:{place.line}",
        "in": "" if place is None else place.function,
        "path": request.path,
    }
    log.write(logger, logging.ERROR, "unavailable", fields)
    level = logging.ERROR if request.debug else logging.DEBUG
    if cause is not None and schemes is not None and logger.isEnabledFor(level):
        from authmw.engine.redaction import redacted_traceback

        logger.log(level, "authmw traceback, without credentials:\n%s", redacted_traceback(cause, request, schemes))
    return text


def _text_of(error: Unavailable, request: RequestHead, schemes: tuple[SecurityScheme[Any], ...] | None) -> str:
    """The text of `error`: as it is, if authmw wrote it, which writes nothing of a request into it; else without the
    credentials of the request, and only its type where they are in the body."""
    if not has_text_of_application(error):
        return str(error)
    if schemes is None:
        return type(error).__name__
    from authmw.engine.redaction import BEGINNING, without_credentials

    return without_credentials(str(error), request, schemes, longest=BEGINNING)


def _types_of(error: BaseException) -> str:
    """The types of `error`: of its parts, if it is a group, and of what caused it."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", error).exceptions[:_MAX_PARTS]
        name = f"{name}({','.join(type(part).__name__ for part in parts)})"
    return name if error.__cause__ is None else f"{name}<{type(error.__cause__).__name__}"


def _success(event: str, principal: Principal, request: RequestHead) -> None:
    fields = {"principal": principal.id, "scheme": principal.scheme, "method": request.method, "path": request.path}
    log.write(logger, logging.DEBUG, event, fields)


def _tell_of_refusal(refusal: Refusal, principal: Principal, request: RequestHead) -> None:
    from authmw.events.records import RequestRefused

    hub.emit(
        RequestRefused(
            code=refusal.reason.code,
            status=refusal.status,
            principal=principal.id,
            credential=principal.credential_id or "",
            missing=refusal.missing,
            client=principal.client_id or "",
            source=request.client,
            method=request.method,
            path=request.path,
            detail=refusal.detail,
        )
    )


def _tell_of_success(principal: Principal, request: RequestHead) -> None:
    from authmw.events.records import RequestAuthenticated

    hub.emit(
        RequestAuthenticated(
            principal=principal.id,
            scheme=principal.scheme,
            credential=principal.credential_id or "",
            client=principal.client_id or "",
            source=request.client,
            method=request.method,
            path=request.path,
        )
    )
