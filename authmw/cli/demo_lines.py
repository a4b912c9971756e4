"""Requests that the demo prints: lines to paste into a shell, each with the status that it gets.

All of it fits a terminal of 24 lines and 80 columns, so that nothing has scrolled away when the demo waits.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
"""The address that the demo listens on: loopback, which no other machine reaches."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of the demo's user. The printed lines show all of them."""

    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A command of the shell, which uses the variables of `prelude`.

    Args:
        command: the command, on one or two lines.
        status: the status of the answer; None for a command that only sets variables.
        what: what is tried, in a word or two.
    """

    command: str
    status: int | None = None
    what: str = ""


_BEARER: Final = '-H "Authorization: Bearer $TOKEN"'
_KEPT: Final = '; echo "$ANSWER"'
# Each request prints the head and the body, and ends the line: JSON bodies have no newline at their end. A POST to
# /orders would need orders:write.
LINES: Final = (
    Line(r"curl -iw '\n' $URL/orders", 401, "no credentials"),
    Line(r"""curl -iw '\n' -u "$NAME:$PASSWORD" $URL/orders""", 200, "name and password"),
    Line(r"""curl -iw '\n' -H "X-API-Key: $KEY" $URL/orders""", 200, "an API key"),
    Line(
        "ANSWER=$(curl -si -d grant_type=password -d username=$NAME --data-urlencode \\\n"
        f'  "password=$PASSWORD" $URL/auth/token){_KEPT}',
        200,
        "log in",
    ),
    Line("TOKEN=$(member access_token) REFRESH=$(member refresh_token)"),
    Line(rf"curl -iw '\n' {_BEARER} $URL/orders", 200, "read"),
    Line(rf"curl -iw '\n' {_BEARER} -d x $URL/orders", 403, "write"),
    Line(
        f"ANSWER=$(curl -si -d grant_type=refresh_token -d refresh_token=$REFRESH \\\n  $URL/auth/token){_KEPT}",
        200,
        "refresh",
    ),
    Line(r"curl -iw '\n' -d token=$TOKEN $URL/auth/revoke", 200, "revoke"),
    Line(rf"sleep 1; curl -iw '\n' {_BEARER} $URL/orders", 401, "gone"),
)
"""The requests, in this order: the later ones use what the earlier ones were answered."""


def prelude(port: int, credentials: Credentials) -> str:
    """The variables and the function that `LINES` use, for the application on `port`.

    ``member`` prints one member of the JSON in ``ANSWER``. It does not need jq.
    """
    return "\n".join(
        [
            f"URL=http://{HOST}:{port} NAME={shlex.quote(credentials.username)}",
            f"KEY={shlex.quote(credentials.api_key)}",
            f"PASSWORD={shlex.quote(credentials.password)}",
            r"""member() { echo "$ANSWER" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }""",
        ]
    )


def written(line: Line) -> str:
    """`line` for a shell: the command, with the status that it gets.

    >>> print(written(Line("curl -i $URL/orders", 401, "no credentials")))
    curl -i $URL/orders  # 401 no credentials
    >>> print(written(Line("TOKEN=$(member access_token)")))
    TOKEN=$(member access_token)
    """
    return line.command if line.status is None else f"{line.command}  # {line.status} {line.what}".rstrip()
