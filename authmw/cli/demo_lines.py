"""Requests that the demo prints: curl commands to copy, each with the status that it gets."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
"""The address that the demo listens on: loopback, which no other machine reaches."""
_BAD_TOKEN: Final = "Authorization: Bearer not.a.token"  # noqa: S105 - no real token


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of the demo's user. The printed lines show all of them."""

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
"""A shell function that prints one member of the JSON in ``ANSWER``. It does not need jq."""

_CURL: Final = r"curl -i -w '\n'"
"""Prints the head and the body, and ends the line: JSON bodies have no newline at their end."""
_TOKEN: Final = '"$(member access_token)"'  # noqa: S105 - a shell expression
_REFRESH_TOKEN: Final = '"$(member refresh_token)"'  # noqa: S105
_BEARER: Final = '"Authorization: Bearer $(member access_token)"'


def lines(port: int, credentials: Credentials) -> list[Line]:
    """The requests to the application on `port` with the credentials that exist from the start."""
    url = f"http://{HOST}:{port}"
    token = f"Authorization: Bearer {credentials.token}"
    return [
        Line("no credentials", _curl(f"{url}/orders"), 401),
        Line("a token, which may read", _curl("-H", token, f"{url}/orders"), 200),
        Line("the same token, which may not write", _curl("-X", "POST", "-H", token, f"{url}/orders"), 403),
        Line("name and password", _curl("-u", f"{credentials.username}:{credentials.password}", f"{url}/orders"), 200),
        Line("an API key", _curl("-H", f"X-API-Key: {credentials.api_key}", f"{url}/orders"), 200),
        Line("a bad token", _curl("-H", _BAD_TOKEN, f"{url}/orders"), 401),
        Line("two Authorization headers", _curl("-H", token, "-H", _BAD_TOKEN, f"{url}/orders"), 400),
        Line("no credentials, on a public path", _curl(f"{url}/"), 200),
    ]


def login_lines(port: int, other: int, credentials: Credentials) -> list[Line]:
    """The requests that log in, refresh and revoke on `port`, in this order; `MEMBER` comes before them.

    Args:
        port: the port of the application to log in to.
        other: the port of the other application, which refuses a revoked token too.
        credentials: the name and password to log in with.
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
        Line("the token in it", f"{_CURL} -H {_BEARER} {url}/orders", 200),
        Line("refresh: a new access token and a new refresh token", refresh, 200),
        Line("the new token", f"{_CURL} -H {_BEARER} {url}/orders", 200),
        Line("revoke it", f"{_CURL} -d token={_TOKEN} {url}/auth/revoke", 200),
        Line("a second later it is refused everywhere", f"sleep 1; {_CURL} -H {_BEARER} {url}/orders", 401),
        Line("by the other application, too", f"{_CURL} -H {_BEARER} http://{HOST}:{other}/orders", 401),
    ]


def written(line: Line) -> str:
    """`line` for a shell: a comment, and a command with the status that it gets.

    >>> print(written(Line("no credentials", "curl -i http://127.0.0.1:8000/orders", 401)))
    # no credentials
    curl -i http://127.0.0.1:8000/orders  # 401
    """
    return f"# {line.what}\n{line.command}  # {line.status}"


def _kept(*arguments: str) -> str:
    return f'ANSWER=$(curl -si {" ".join(arguments)}); echo "$ANSWER"'


def _curl(*arguments: str) -> str:
    return f"{_CURL} {shlex.join(arguments)}"
