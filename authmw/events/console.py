"""Records on a terminal, for people: as `log_to_console` asks, and by themselves while an application is debugged.

`logging` shows INFO only where a program has configured it. So in debug mode, on a terminal, and as long as no handler
is there, authmw shows its records itself. Nothing of `logging` is changed for it: the handlers that a program adds
later are the only ones then.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final


class ConsoleFormatter(logging.Formatter):
    """A record as a sentence; the records of other loggers as they are.

    >>> fields = {"event": "refused", "method": "GET", "path": "/orders", "status": 403, "code": "authmw.scope-missing"}
    >>> fields |= {"principal": "alice", "missing": ["orders:write"]}
    >>> record = logging.LogRecord("authmw.audit", logging.INFO, "", 0, "", (), None)
    >>> record.authmw = fields
    >>> ConsoleFormatter().format(record)
    'authmw refused GET /orders: 403 authmw.scope-missing, missing orders:write (principal alice)'
    """

    _FIRST = ("method", "path", "endpoint")
    _SAID = ("event", *_FIRST, "status", "code", "error", "missing", "detail", "description")

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        fields = getattr(record, "authmw", None)
        return super().format(record) if not isinstance(fields, dict) else self._sentence(fields)  # pyright: ignore[reportUnknownArgumentType]

    def _sentence(self, fields: dict[str, object]) -> str:
        head = " ".join(str(fields[name]) for name in ("event", *self._FIRST) if name in fields)
        answer = " ".join(str(fields[name]) for name in ("status", "code", "error") if name in fields)
        missing = fields.get("missing")
        needs = f"missing {' '.join(map(str, missing))}" if isinstance(missing, list) else ""  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        why = ", ".join(part for part in (answer, needs, str(fields.get("detail", ""))) if part)
        more = ", ".join(f"{name} {value}" for name, value in fields.items() if name not in self._SAID)
        return f"authmw {head}" + (f": {why}" if why else "") + (f" ({more})" if more else "")


class ConsoleHandler(logging.Handler):
    """Writes records to standard error, unless another handler writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(ConsoleFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`."""
        if _is_written_elsewhere(logging.getLogger(record.name), record.levelno) or sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]  # without a console there is none
            return
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


_console: Final = ConsoleHandler()


def log_to_console() -> None:
    """Show on standard error why requests are refused, and what else authmw logs at INFO: one sentence each.

    Where the program has configured `logging`, its own handlers show the records, each once. A second call changes
    nothing.

    >>> log_to_console()
    """
    logger = logging.getLogger("authmw")
    logger.addHandler(_console)  # once: a handler is not added again
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)


def is_needed(logger: logging.Logger, level: int, *, debug: bool) -> bool:
    """Whether a record appears only if authmw shows it, and has to appear.

    So it is in debug mode and in Python's development mode (``python -X dev``), where the program has neither added a
    handler nor set a level, standard error is a terminal, and the environment does not say ``AUTHMW_ENV=production``.
    From WARNING on, `logging` itself shows what no handler takes.

    Args:
        logger: the logger of the record.
        level: its level.
        debug: whether the application is in debug mode.
    """
    if not (debug or sys.flags.dev_mode) or not logging.INFO <= level < logging.WARNING:
        return False
    if logger.disabled or logger.hasHandlers():
        return False
    return _is_at_terminal() and (logger.isEnabledFor(level) or not _has_level(logger))


def show(record: logging.LogRecord) -> None:
    """Show `record`."""
    _console.handle(record)


def _is_at_terminal() -> bool:
    # The same as authmw.crypto.keyring.in_production, which stands above this room.
    if os.environ.get("AUTHMW_ENV") == "production" or sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        return False
    try:
        return sys.stderr.isatty()
    except ValueError:  # it is closed
        return False


def _has_level(logger: logging.Logger) -> bool:
    """Whether the program has set a level for the loggers of authmw."""
    found = logger
    while found.parent is not None:
        if found.level:
            return True
        found = found.parent
    return False


def _is_written_elsewhere(logger: logging.Logger, level: int) -> bool:
    """Whether another handler takes a record of `level`."""
    found: logging.Logger | None = logger
    while found is not None:
        if any(level >= handler.level for handler in found.handlers if handler is not _console):
            return True
        found = found.parent if found.propagate else None
    return False
