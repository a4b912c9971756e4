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


MEMBER: Final = r"""member() { echo "$ANSWER" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }"""
"""A function of the shell that takes one member out of the JSON in ``ANSWER``, since not everybody has jq."""

_TOKEN: Final = '"$(member access_token)"'  # noqa: S105 - where the shell finds it
_REFRESH_TOKEN: Final = '"$(member refresh_token)"'  # noqa: S105
_BEARER: Final = '"Authorization: Bearer $(member access_token)"'


def lines(port: int, credentials: Credentials) -> list[Line]:
    """The requests to the application on `port`, with what is there from the start."""
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


def login_lines(port: int, other: int, credentials: Credentials) -> list[Line]:
    """The requests that log in, refresh and revoke on `port`, in this order; `MEMBER` comes before them.

    Args:
        port: where to log in.
        other: the port of the other application, which refuses what was revoked, too.
        credentials: whose name and password to use.
    """
    url = f"http://{HOST}:{port}"
    login = _kept(
        "-d grant_type=password",
        shlex.join(["-d", f"username={credentials.username}"]),
        shlex.join(["--data-urlencode", f"password={credentials.password}"]),
        f"{url}/auth/token",
    )
    refresh = _kept("-d grant_type=refresh_token", f"-d refresh_token={_REFRESH_TOKEN}", f"{url}/auth/token")
    return [
        Line("log in, and keep the answer", login, 200),
        Line("the token in it", f"curl -i -H {_BEARER} {url}/orders", 200),
        Line("refresh: a new access token and a new refresh token", refresh, 200),
        Line("the new token", f"curl -i -H {_BEARER} {url}/orders", 200),
        Line("revoke it", f"curl -i -d token={_TOKEN} {url}/auth/revoke", 200),
        Line("a second later it is refused everywhere", f"sleep 1; curl -i -H {_BEARER} {url}/orders", 401),
        Line("by the other application, too", f"curl -i -H {_BEARER} http://{HOST}:{other}/orders", 401),
    ]


def written(line: Line) -> str:
    """`line` for a shell: a comment, and a command with the status that it gets.

    >>> print(written(Line("nobody", "curl -i http://127.0.0.1:8000/orders", 401)))
    # nobody
    curl -i http://127.0.0.1:8000/orders  # 401
    """
    return f"# {line.what}\n{line.command}  # {line.status}"


def _kept(*arguments: str) -> str:
    return f'ANSWER=$(curl -si {" ".join(arguments)}); echo "$ANSWER"'


def _curl(*arguments: str) -> str:
    return shlex.join(["curl", "-i", *arguments])
