"""Events as signals of Flask, that is, of blinker: ``signal("refused").connect(function)``."""

from __future__ import annotations

from difflib import get_close_matches
from threading import Lock
from typing import Any, Final

from blinker import NamedSignal, Namespace
from flask import current_app, has_app_context

from authmw.errors import ConfigurationError
from authmw.events import Event, on_event
from authmw.events.records import KINDS

_signals: Final = Namespace()
_lock: Final = Lock()
_listening: Final[list[object]] = []


def signal(event: str) -> NamedSignal:
    """The signal of an event, for functions that are connected as to the signals of Flask.

    Each is called with a sender, the application whose context is active or None, and with ``event``, the record. It
    runs where the event happens, as with any signal: one that blocks makes the request wait. What one raises is logged,
    and harms no request. `authmw.events.on_event` has a thread of its own.

    Args:
        event: the name, as ``refused`` or ``logged_in``.

    Raises:
        ConfigurationError: there is no event of that name.

    >>> from authmw import KeyRing
    >>> def note(sender: object, event: Event) -> None:
    ...     print(event.name)
    >>> with signal("keys_rotated").connected_to(note):
    ...     _ = KeyRing.generate().rotate()
    keys_rotated
    """
    names = {kind.name for kind in KINDS}
    if event not in names:
        close = get_close_matches(event, names, n=1)
        mean = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(names))}"
        raise ConfigurationError(f"signal({event!r}) is no event of authmw: {mean}")
    with _lock:
        if not _listening:
            _listening.append(on_event(_send, inline=True))
    return _signals.signal(event)


def _send(event: Event) -> None:
    named = _signals.signal(event.name)
    if named.receivers:
        proxy: Any = current_app
        named.send(proxy._get_current_object() if has_app_context() else None, event=event)
