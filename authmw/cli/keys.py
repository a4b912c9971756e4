"""Commands of ``authmw keys``: create, list and revoke API keys."""

from __future__ import annotations

import time

import click

from authmw.cli.options import database_option, duration, scope_option
from authmw.cli.output import json_option, listed, moment, printable, show, table
from authmw.cli.stores import existing, granted, open_stores
from authmw.stores.records import ApiKeyRecord


@click.group()
def keys() -> None:
    """API keys. Only their digests are stored."""


@keys.command()
@click.argument("username")
@scope_option
@click.option("--name", default="", help="What the key is for.")
@click.option("--lifetime", type=duration, help="How long the key is valid, such as 90d. By default it never expires.")
@database_option
@json_option
def create(
    *, username: str, scopes: tuple[str, ...], name: str, lifetime: int | None, database: str, as_json: bool
) -> None:
    """Create an API key for USERNAME, with all scopes of the user or the given ones. It is shown only this once."""
    stores = open_stores(database)
    user = existing(stores.users, username)
    key, record = stores.keys.create(user.id, granted(user, scopes), name=name, lifetime=lifetime)
    if not as_json:
        click.echo(f"{record.id} for {printable(username)}, shown only this once:", err=True)
    show({**_described(record), "key": key}, key, as_json=as_json)


@keys.command("list")
@click.argument("username", required=False)
@database_option
@json_option
def list_keys(username: str | None, database: str, as_json: bool) -> None:
    """List the API keys of USERNAME, or of all users, oldest first."""
    stores = open_stores(database)
    found = stores.keys.list(None if username is None else existing(stores.users, username).id)
    now = time.time()
    rows = [
        [each.id, each.owner, _status(each, now), listed(each.scopes), moment(each.last_used_at), each.name or "-"]
        for each in found
    ]
    show(
        {"keys": [_described(record) for record in found]},
        table(["ID", "OWNER", "STATUS", "SCOPES", "LAST USED", "NAME"], rows),
        as_json=as_json,
    )


@keys.command()
@click.argument("key_id")
@database_option
@json_option
def revoke(key_id: str, database: str, as_json: bool) -> None:
    """Refuse the key KEY_ID from now on."""
    record = open_stores(database).keys.revoke(key_id)
    show(_described(record), f"{printable(record.id)}: revoked", as_json=as_json)


def _status(record: ApiKeyRecord, now: float) -> str:
    if record.revoked_at is not None:
        return "revoked"
    if record.expires_at is None:
        return "active"
    return "expired" if record.expires_at <= now else f"until {moment(record.expires_at)}"


def _described(record: ApiKeyRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "owner": record.owner,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "last_used_at": record.last_used_at,
    }
