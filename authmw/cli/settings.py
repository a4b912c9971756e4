"""Settings of the commands: those of the application's `LocalAuth`, or the same sources that it reads."""

from __future__ import annotations

from typing import Any, Final

import click

from authmw.cli.application import load
from authmw.local.local import local_of
from authmw.local.settings import LocalSettings, place_of, unsaid_in_production
from authmw.local.sources import LOCAL, Sources, checked

_OF_APPLICATION: Final = "authmw.cli.settings"
"""The key of the application's settings in the ``meta`` of a context."""


def setting(name: str) -> Any:
    """The setting of the application, if the command knows one; or else from the environment, a file or the defaults.

    Raises:
        ConfigurationError: a name in the environment or in the file is no setting; or the setting is assumed, with
            ``AUTHMW_ENV=production``.
    """
    known = settings_of_application()
    if known is None:
        sources = Sources.of(LOCAL)
        checked(sources, unsaid_in_production(name, sources.found))
        found = sources.found.get(name)
        return getattr(LocalSettings(), name) if found is None else found.value
    return getattr(known, name)


def use_settings_of(name: str) -> None:
    """Take the settings of the application ``module:app``.

    Raises:
        click.ClickException: there is no such application, or it has no `LocalAuth`.
    """
    local = local_of(load(name))
    if local is None:
        raise click.ClickException(
            f"{name} has no LocalAuth, so that its database and keys are not known here: name them by --database and "
            "--keys, or set AUTHMW_DATABASE and AUTHMW_KEYS"
        )
    click.get_current_context().meta[_OF_APPLICATION] = local.settings


def check_same(context: click.Context, name: str, value: Any) -> None:
    """Stop if the option says another database or another file of keys than the application.

    Raises:
        click.ClickException: they differ.
    """
    known = settings_of_application()
    if known is None or context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT:
        return
    own, given = place_of(getattr(known, name)), place_of(value)
    if own != given:
        raise click.ClickException(
            f"the application has its {name} in {_shown(own)}, but the command was told {_shown(given)}: leave out "
            f"--{name} (AUTHMW_{name.upper()}), or leave out --app"
        )


def settings_of_application() -> LocalSettings | None:
    """The settings of the application that the command knows, by ``--app`` or as a command of Flask; or None."""
    context = click.get_current_context()
    if _OF_APPLICATION not in context.meta:
        context.meta[_OF_APPLICATION] = _of_the_flask_command(context)
    known: LocalSettings | None = context.meta[_OF_APPLICATION]
    return known


def _of_the_flask_command(context: click.Context) -> LocalSettings | None:
    """The settings of the application of ``flask --app shop authmw …``, if it has a `LocalAuth`."""
    script: Any = context.find_root().obj
    if not hasattr(script, "load_app"):  # flask.cli.ScriptInfo
        return None
    try:
        local = local_of(script.load_app())
    except click.UsageError:  # Flask found no application
        return None
    return None if local is None else local.settings


def _shown(place: str) -> str:
    """`place` without a password."""
    scheme, separator, rest = place.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else place
