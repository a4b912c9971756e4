"""Sessions belong to who began them (MCP, "Security Best Practices": session hijacking).

A server knows a session by an ID that it made up, and takes whoever sends that for who began it. So what clients see is
that ID with a code behind it, which nobody can make for another principal. Nothing is kept for it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Final

from authmw.identity.principal import Principal

HEADER: Final = b"mcp-session-id"

_Headers = list[tuple[bytes, bytes]]


class SessionIds:
    """Binds the IDs of a server's sessions to principals.

    Args:
        entropy: makes the key; it lives as long as the process, and so do sessions.

    >>> ids = SessionIds()
    >>> seen = ids.told([(b"mcp-session-id", b"s-1")], Principal("alice"))
    >>> ids.meant(seen, Principal("alice"))
    [(b'mcp-session-id', b's-1')]
    >>> ids.meant(seen, Principal("bob")) is None
    True
    """

    def __init__(self, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._key = entropy(32)

    def told(self, headers: Iterable[tuple[bytes, bytes]], principal: Principal) -> _Headers:
        """The headers of an answer, as `principal` gets them."""
        return [
            (name, b"%b.%b" % (value, self._code(value, principal))) if name.lower() == HEADER else (name, value)
            for name, value in headers
        ]

    def meant(self, headers: Iterable[tuple[bytes, bytes]], principal: Principal) -> _Headers | None:
        """The headers of a request, as the server knows them; None when they name a session of somebody else."""
        found: _Headers = []
        for name, value in headers:
            session = value
            if name == HEADER:
                session, _, code = value.rpartition(b".")
                if not hmac.compare_digest(code, self._code(session, principal)):
                    return None
            found.append((name, session))
        return found

    def _code(self, session: bytes, principal: Principal) -> bytes:
        who = [session.decode("latin-1"), principal.kind, principal.id, principal.client_id, principal.scheme]
        return hmac.digest(self._key, json.dumps(who).encode(), "sha256").hex().encode()
