"""Command ``authmw tokens issue``: a signed access token for a user."""

from __future__ import annotations

from pathlib import Path

import click

from authmw.cli.jwk import new_ring
from authmw.cli.options import audience_option, database_option, duration, issuer_option, keys_option, scope_option
from authmw.cli.output import json_option, show
from authmw.cli.stores import existing, granted, open_stores
from authmw.crypto.keyring import KeyRing
from authmw.crypto.signing import TokenIssuer
from authmw.identity.principal import Principal
from authmw.stores.records import LONGEST_TOKEN


@click.command()
@click.argument("username")
@scope_option
@click.option("--lifetime", type=duration, default="10m", show_default=True, help="How long the token is valid.")
@issuer_option
@audience_option
@keys_option
@database_option
@json_option
def issue(
    *,
    username: str,
    scopes: tuple[str, ...],
    lifetime: int,
    issuer: str,
    audience: str | tuple[str, ...],
    keys_path: Path,
    database: str,
    as_json: bool,
) -> None:
    """Sign an access token for USERNAME, with all scopes of the user or the given ones.

    If there is no key ring yet, one is created.
    """
    if lifetime > LONGEST_TOKEN:
        # A longer token could outlive its revocation: see authmw.stores.records.Revocation.
        raise click.ClickException(
            f"--lifetime is {LONGEST_TOKEN / 86400:.0f} days at most, since revocations are kept for that long: "
            "for longer use an API key, see `authmw keys create`"
        )
    user = existing(open_stores(database).users, username)
    if user.disabled:
        raise click.ClickException(f"{user.username!r} is disabled: `authmw users enable` lets the user in again")
    allowed = granted(user, scopes)
    signs = TokenIssuer(_ring(keys_path), issuer=issuer, audience=audience, lifetime=lifetime)
    signed = signs.issue(Principal(user.id, scopes=allowed))
    document = {"access_token": signed, "token_type": "Bearer", "expires_in": lifetime, "scope": " ".join(allowed)}
    show(document, signed, as_json=as_json)


def _ring(path: Path) -> KeyRing:
    if path.exists():
        return KeyRing.load(path)
    ring = new_ring(path)
    click.echo(f"{path}: made a new key ring; the program that verifies the token needs this file", err=True)
    return ring
