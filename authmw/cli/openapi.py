"""Command ``authmw openapi``: the OpenAPI document of an application."""

from __future__ import annotations

import json
from pathlib import Path

import click

from authmw.cli.application import NoApplication, load
from authmw.cli.options import application_argument
from authmw.cli.output import json_option, show
from authmw.engine.routes.frameworks import openapi_document
from authmw.errors import ConfigurationError


@click.command()
@application_argument
@click.option("--openapi", "version", type=click.Choice(["3.0", "3.1"]), help="The version of the specification.")
@click.option("--title", help="The title of the API.")
@click.option(
    "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write it to this file instead."
)
@json_option
def openapi(
    *, application: str | None, version: str | None, title: str | None, output: Path | None, as_json: bool
) -> None:
    """Print the OpenAPI document of MODULE:APP: indented, or on one line with --json.

    Name an application as shop:app, or a factory as shop:create_app(). Under the command flask it may be left out.
    """
    given = {name: value for name, value in {"openapi": version, "title": title}.items() if value is not None}
    try:
        document = openapi_document(load(application), **given)
    except ConfigurationError as error:
        raise NoApplication(str(error)) from None
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is None:
        show(document, text, as_json=as_json)
    else:
        output.write_text((json.dumps(document) if as_json else text) + "\n", encoding="utf-8")
        click.echo(f"{output}: written", err=True)
