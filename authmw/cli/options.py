"""Options that several commands share. An option overrides its environment variable, which overrides the default."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import click

from authmw.identity.scopes import is_scope

F = TypeVar("F", bound=Callable[..., Any])

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")


class OptionDecorator(Protocol):
    """What `click.option` returns."""

    def __call__(self, command: F, /) -> F:
        """Add the option to `command`."""
        ...


def duration(text: str) -> int:
    """A number and its unit, as ``10m`` or ``90d``, in seconds.

    >>> duration("10m"), duration("90d")
    (600, 7776000)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a duration: write 30s, 10m, 12h or 90d")
    return int(found[1]) * _SECONDS[found[2]]


def scope(text: str) -> str:
    """`text`, if it is one scope-token of RFC 6749 §3.3.

    >>> scope("orders:read")
    'orders:read'
    """
    if not is_scope(text):
        raise click.BadParameter(f"{text!r} is not a scope: repeat the option for each, without spaces or quotes")
    return text


database_option: OptionDecorator = click.option(
    "--database",
    metavar="URL",
    envvar="AUTHMW_DATABASE",
    default="sqlite:///app.db",
    show_default=True,
    show_envvar=True,
    help="The database of users, API keys and tokens. Put a URL with a password into the environment.",
)
redis_option: OptionDecorator = click.option(
    "--redis",
    metavar="URL",
    envvar="AUTHMW_REDIS",
    show_envvar=True,
    help="The Redis of sessions, tokens and revocations, if there is one. They are ended there too.",
)
keys_option: OptionDecorator = click.option(
    "--keys",
    "keys_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="AUTHMW_KEYS",
    default=Path("keys.json"),
    show_default=True,
    show_envvar=True,
    help="The file of the key ring.",
)
scope_option: OptionDecorator = click.option(
    "--scope", "scopes", type=scope, multiple=True, help="A scope; may be repeated."
)
