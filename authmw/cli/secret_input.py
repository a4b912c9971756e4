"""Input of passwords and tokens: a prompt that hides them, or standard input.

A password is never an option: the list of processes and the history of the shell would show it.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from authmw.cli.options import OptionDecorator
from authmw.errors import ConfigurationError

MIN_LENGTH: Final = 8
"""The fewest characters of a new password (ASVS 5.0, 6.2.1)."""

_MAX_INPUT: Final = 1 << 20

password_stdin_option: OptionDecorator = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input: one line."
)


def read_password(*, from_stdin: bool) -> str:
    """A new password: typed twice, or the only line on standard input."""
    if from_stdin:
        return _checked(_one_line(sys.stdin.buffer.read()))
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password on: use --password-stdin")
    # On stderr: stdout holds only the document of --json.
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return _checked(typed)


def read_token(text: str = "-") -> str:
    """`text`, or for ``-`` the token on standard input. A ``Bearer`` in front and the space around it are removed."""
    if text == "-":
        if sys.stdin.isatty():
            click.echo("Paste the token, then Enter and Ctrl-D:", err=True)
        text = sys.stdin.buffer.read(_MAX_INPUT).decode("utf-8", "replace")
    token = text.strip().removeprefix("Bearer ").strip()
    if not token:
        raise click.UsageError("there is no token on standard input")
    return token


def _one_line(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise ConfigurationError("the password on standard input is not UTF-8") from None
    line = text.removesuffix("\n").removesuffix("\r")
    if "\n" in line:
        raise ConfigurationError("standard input holds more than one line: the password is the only one")
    return line


def _checked(password: str) -> str:
    if len(password) < MIN_LENGTH:
        raise ConfigurationError(f"a password has at least {MIN_LENGTH} characters")
    return password
