"""Name of the program that sent a request, for lists that people read."""

from __future__ import annotations

from typing import Final

from authmw.http.request import RequestHead

_LONGEST: Final = 200


def agent_name(request: RequestHead) -> str:
    """The printable part of the ``User-Agent`` (RFC 9110 §10.1.5); empty without that header."""
    agent = request.header("user-agent") or ""
    text = agent.encode("latin-1", "replace").decode("utf-8", "replace")
    return "".join(character for character in text[:_LONGEST] if character.isprintable())
