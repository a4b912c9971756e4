"""Options that several commands share. An option overrides its environment variable, which overrides a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

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


application_argument: OptionDecorator = click.argument("application", metavar="[MODULE:APP]", required=False)


def _default(name: str) -> Callable[[], Any]:
    """The setting of the application that ``--app`` names, or else of the environment, a file or `LocalAuth`."""

    def default() -> Any:
        from authmw.cli.settings import setting

        return setting(name)

    return default


def _check_same(context: click.Context, option: click.Parameter, value: Any) -> Any:
    from authmw.cli.settings import check_same

    check_same(context, str(option.name).removesuffix("_path"), value)
    return value


def _load_app(_context: click.Context, _option: click.Parameter, name: str | None) -> None:
    if name is not None:
        from authmw.cli.settings import use_settings_of

        use_settings_of(name)


_app_option: OptionDecorator = click.option(
    "--app",
    metavar="MODULE:APP",
    envvar="AUTHMW_APP",
    show_envvar=True,
    expose_value=False,
    is_eager=True,
    callback=_load_app,
    help="The application whose LocalAuth says the database and the keys.",
)


def _with_app(option: OptionDecorator) -> OptionDecorator:
    """`option`, and ``--app`` once for each command."""

    def decorate(command: F) -> F:
        present: list[click.Parameter] = getattr(command, "__click_params__", [])
        return option(command if any(each.name == "app" for each in present) else _app_option(command))

    return cast("OptionDecorator", decorate)


database_option: OptionDecorator = _with_app(
    click.option(
        "--database",
        metavar="URL",
        envvar="AUTHMW_DATABASE",
        default=_default("database"),
        show_default="sqlite:///app.db",
        show_envvar=True,
        callback=_check_same,
        help="The database of users, API keys and tokens. Put a URL with a password into the environment.",
    )
)
redis_option: OptionDecorator = click.option(
    "--redis",
    metavar="URL",
    envvar="AUTHMW_REDIS",
    default=_default("redis"),
    show_envvar=True,
    help="The Redis of sessions, tokens and revocations, if there is one. They are ended there too.",
)
keys_option: OptionDecorator = _with_app(
    click.option(
        "--keys",
        "keys_path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="AUTHMW_KEYS",
        default=_default("keys"),
        show_default="keys.json",
        show_envvar=True,
        callback=_check_same,
        help="The file of the key ring.",
    )
)
issuer_option: OptionDecorator = click.option(
    "--issuer",
    envvar="AUTHMW_ISSUER",
    default=_default("issuer"),
    show_default="http://localhost/auth",
    show_envvar=True,
    help="The issuer: the iss.",
)
audience_option: OptionDecorator = click.option(
    "--audience",
    type=click.UNPROCESSED,  # LocalAuth may have several
    metavar="TEXT",
    envvar="AUTHMW_AUDIENCE",
    default=_default("audience"),
    show_default="app",
    show_envvar=True,
    help="The API it is for: the aud.",
)
scope_option: OptionDecorator = click.option(
    "--scope", "scopes", type=scope, multiple=True, help="A scope; may be repeated."
)
no_scopes_option: OptionDecorator = click.option("--none", "no_scopes", is_flag=True, help="Take all scopes away.")


def replacing(scopes: tuple[str, ...], *, no_scopes: bool) -> tuple[str, ...]:
    """The scopes in place of those that there are.

    Raises:
        click.UsageError: neither scopes nor ``--none``, or both: a forgotten option takes nothing away.
    """
    if no_scopes is bool(scopes):
        raise click.UsageError("give each scope as --scope orders:read, or --none to take all away")
    return scopes
