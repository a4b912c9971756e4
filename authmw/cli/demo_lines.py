"""What the demo prints: lines to copy and paste, each with the status that it will get."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
"""Where the demo listens: nobody else's machine gets there."""
_BAD_TOKEN: Final = "Authorization: Bearer not.a.token"  # noqa: S105 - it is nobody's


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of the demo's user, all of which the lines show."""

    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One request by curl, and the status of its answer."""

    what: str
    command: str = field(repr=False)
    status: int


def lines(port: int, credentials: Credentials) -> list[Line]:
    """The requests to the application on `port`."""
    url = f"http://{HOST}:{port}"
    token = f"Authorization: Bearer {credentials.token}"
    return [
        Line("nobody", _curl(f"{url}/orders"), 401),
        Line("a token, which may read", _curl("-H", token, f"{url}/orders"), 200),
        Line("the same token, which may not write", _curl("-X", "POST", "-H", token, f"{url}/orders"), 403),
        Line("name and password", _curl("-u", f"{credentials.username}:{credentials.password}", f"{url}/orders"), 200),
        Line("an API key", _curl("-H", f"X-API-Key: {credentials.api_key}", f"{url}/orders"), 200),
        Line("a bad token", _curl("-H", _BAD_TOKEN, f"{url}/orders"), 401),
        Line("two Authorization headers", _curl("-H", token, "-H", _BAD_TOKEN, f"{url}/orders"), 400),
        Line("nobody, where the public may go", _curl(f"{url}/"), 200),
    ]


def written(line: Line) -> str:
    """`line` for a shell: a comment, and a command with the status that it gets.

    >>> print(written(Line("nobody", "curl -i http://127.0.0.1:8000/orders", 401)))
    # nobody
    curl -i http://127.0.0.1:8000/orders  # 401
    """
    return f"# {line.what}\n{line.command}  # {line.status}"


def _curl(*arguments: str) -> str:
    return shlex.join(["curl", "-i", *arguments])
