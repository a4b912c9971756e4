"""Events: what authmw did, as records without secrets, for listeners and for logs."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.events.hub import on_event
    from authmw.events.records import (
        Event,
        IssuerUnreachable,
        KeysRotated,
        LoggedIn,
        LoginFailed,
        Refreshed,
        RequestAuthenticated,
        RequestRefused,
        ReuseDetected,
        Revoked,
        Throttled,
        TokenIssued,
        UserChanged,
    )

__all__ = [
    "Event",
    "IssuerUnreachable",
    "KeysRotated",
    "LoggedIn",
    "LoginFailed",
    "Refreshed",
    "RequestAuthenticated",
    "RequestRefused",
    "ReuseDetected",
    "Revoked",
    "Throttled",
    "TokenIssued",
    "UserChanged",
    "on_event",
]

_HOMES = {
    "events.hub": "on_event",
    "events.records": (
        "Event IssuerUnreachable KeysRotated LoggedIn LoginFailed Refreshed RequestAuthenticated RequestRefused "
        "ReuseDetected Revoked Throttled TokenIssued UserChanged"
    ),
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
