"""Commands of ``authmw clients``: create, list and change OAuth clients (RFC 6749 §2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast, get_args

import click

from authmw.cli.options import database_option, duration, no_scopes_option, redis_option, replacing, scope_option
from authmw.cli.output import json_option, listed, printable, show, table
from authmw.cli.revocation import end_client
from authmw.cli.stores import open_stores, redis_stores
from authmw.stores.new_records import GRANT_TYPES
from authmw.stores.records import Client, ClientAuthMethod

_MAX_JWKS = 1 << 20


@click.group()
def clients() -> None:
    """OAuth clients: the programs that get tokens."""


@clients.command()
@click.argument("client_id", required=False)
@click.option("--name", default="", help="A name to show to users.")
@click.option(
    "--auth-method",
    type=click.Choice(get_args(ClientAuthMethod)),
    default="client_secret_basic",
    show_default=True,
    help="How the client authenticates; none makes a public client, such as an application on a phone.",
)
@click.option(
    "--grant",
    "grants",
    type=click.Choice(sorted(GRANT_TYPES)),
    multiple=True,
    help="A grant that the client may use; may be repeated.  [default: client_credentials]",
)
@scope_option
@click.option(
    "--audience", "audiences", multiple=True, help="An API whose tokens the client may introspect; may be repeated."
)
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file with the client's public keys (a JWK Set), for private_key_jwt.",
)
@database_option
@json_option
def create(
    *,
    client_id: str | None,
    name: str,
    auth_method: ClientAuthMethod,
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    jwks: Path | None,
    database: str,
    as_json: bool,
) -> None:
    """Create the client CLIENT_ID, or one with a random id. Its secret is shown only this once.

    --scope names the most that it is granted, for itself or on behalf of a user.
    """
    if auth_method == "none" and not grants:
        raise click.UsageError("a public client has no grant by default: give --grant password --grant refresh_token")
    secret, client = open_stores(database, create=True).clients.create(
        client_id,
        name=name,
        auth_method=auth_method,
        jwks=None if jwks is None else _read_jwks(jwks),
        grant_types=grants or ("client_credentials",),
        scopes=scopes,
        audiences=audiences,
    )
    _show_secret(secret, client, "created", as_json)


@clients.command("list")
@database_option
@json_option
def list_clients(database: str, as_json: bool) -> None:
    """List every client, by id."""
    found = open_stores(database).clients.list()
    rows = [
        [
            each.id,
            "disabled" if each.disabled else "active",
            each.auth_method,
            listed(each.grant_types),
            listed(each.scopes),
            each.name or "-",
        ]
        for each in found
    ]
    show(
        {"clients": [_described(client) for client in found]},
        table(["ID", "STATUS", "AUTHENTICATES BY", "GRANTS", "SCOPES", "NAME"], rows),
        as_json=as_json,
    )


@clients.command()
@click.argument("client_id")
@database_option
@redis_option
@json_option
def disable(client_id: str, database: str, redis: str | None, as_json: bool) -> None:
    """Refuse CLIENT_ID and its tokens from now on, and end its sessions with all users."""
    others = redis_stores(redis)
    client = open_stores(database).clients.disable(client_id)
    end_client(others, client.id)
    _show(client, "disabled", as_json)


@clients.command()
@click.argument("client_id")
@database_option
@json_option
def enable(client_id: str, database: str, as_json: bool) -> None:
    """Let CLIENT_ID get tokens again. Its earlier tokens stay refused."""
    _show(open_stores(database).clients.enable(client_id), "enabled", as_json)


@clients.command("set-scopes")
@click.argument("client_id")
@scope_option
@no_scopes_option
@database_option
@json_option
def set_scopes(client_id: str, scopes: tuple[str, ...], no_scopes: bool, database: str, as_json: bool) -> None:
    """Replace the scopes of CLIENT_ID by the given ones. Existing tokens keep their scopes."""
    scopes = replacing(scopes, no_scopes=no_scopes)
    client = open_stores(database).clients.set_scopes(client_id, scopes)
    _show(client, f"has the scopes {listed(client.scopes)}" if client.scopes else "has no scopes", as_json)


@clients.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap", type=duration, help="How long the older secrets stay valid, such as 1d. By default they end at once."
)
@database_option
@json_option
def rotate_secret(client_id: str, overlap: int | None, database: str, as_json: bool) -> None:
    """Make a new secret for CLIENT_ID. It is shown only this once."""
    secret, client = open_stores(database).clients.rotate_secret(client_id, overlap=overlap or 0)
    _show_secret(secret, client, "has a new secret", as_json)


def _read_jwks(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        octets = file.read(_MAX_JWKS)
    try:
        found: object = json.loads(octets)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise click.ClickException(f"{path} is no JWK Set: it has to be a JSON object with the member keys")
    return cast("dict[str, Any]", found)


def _show_secret(secret: str | None, client: Client, what: str, as_json: bool) -> None:
    """Print the secret, alone on standard output, so that it can be piped. The words go to standard error."""
    if secret is None:
        _show(client, what, as_json)
        return
    if not as_json:
        click.echo(f"{printable(client.id)}: {what}, shown only this once:", err=True)
    show({**_described(client), "client_secret": secret}, secret, as_json=as_json)


def _show(client: Client, what: str, as_json: bool) -> None:
    show(_described(client), f"{printable(client.id)}: {what}", as_json=as_json)


def _described(client: Client) -> dict[str, object]:
    return {
        "client_id": client.id,
        "name": client.name,
        "auth_method": client.auth_method,
        "grant_types": sorted(client.grant_types),
        "scopes": sorted(client.scopes),
        "audiences": sorted(client.audiences),
        "disabled": client.disabled,
        "created_at": client.created_at,
        "secrets": [{"expires_at": secret.expires_at} for secret in client.secrets],
    }
