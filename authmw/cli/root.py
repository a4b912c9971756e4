"""The group of all commands, and how they fail: in one sentence, without a traceback."""

from __future__ import annotations

from typing import Any

import click

from authmw.cli.demo import demo
from authmw.cli.jwk import jwk
from authmw.cli.keys import keys
from authmw.cli.token import token
from authmw.cli.users import users
from authmw.errors import AuthmwError


class _FailingInSentences(click.Group):
    """Tells what authmw raises on stderr and exits with 1. A bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AuthmwError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_FailingInSentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="authmw")
def group() -> None:
    """Users, API keys, tokens and signing keys of authmw."""


for _command in (users, keys, token, jwk, demo):
    group.add_command(_command)


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    group(prog_name="authmw")
