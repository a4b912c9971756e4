"""Commands of ``authmw tokens``: issue, explain, list and revoke access tokens."""

from __future__ import annotations

import time

import click

from authmw.cli.options import database_option, redis_option
from authmw.cli.output import json_option, listed, moment, show, table
from authmw.cli.stores import existing, open_stores, redis_stores
from authmw.cli.token_explain import explain_token
from authmw.cli.token_issue import issue
from authmw.cli.token_revoke import revoke
from authmw.stores.records import TokenRecord


@click.group()
def tokens() -> None:
    """Access tokens: signed ones (JWTs), and opaque ones. Of the opaque ones only digests are stored."""


@click.command("list")
@click.argument("username", required=False)
@database_option
@redis_option
@json_option
def list_tokens(username: str | None, database: str, redis: str | None, as_json: bool) -> None:
    """List the opaque tokens of USERNAME, or all, oldest first. Signed tokens are not stored."""
    stores = open_stores(database)
    subject = None if username is None else existing(stores.users, username).id
    found = [record for place in (stores, *redis_stores(redis)) for record in place.tokens.list(subject)]
    now = time.time()
    rows = [
        [each.id, each.subject, each.client_id or "-", _status(each, now), listed(each.scopes), each.family_id or "-"]
        for each in found
    ]
    show(
        {"tokens": [_described(record) for record in found]},
        table(["ID", "SUBJECT", "CLIENT", "STATUS", "SCOPES", "SESSION"], rows),
        as_json=as_json,
    )


for _command in (issue, explain_token, list_tokens, revoke):
    tokens.add_command(_command)

token: click.Group = click.Group("token", commands=tokens.commands, hidden=True, help=tokens.help)
"""The same commands as ``authmw token``; not shown in the help."""


def _status(record: TokenRecord, now: float) -> str:
    if record.revoked_at is not None:
        return "revoked"
    return "expired" if record.expires_at <= now else f"until {moment(record.expires_at)}"


def _described(record: TokenRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "subject": record.subject,
        "kind": record.kind,
        "client_id": record.client_id,
        "scopes": sorted(record.scopes),
        "audience": sorted(record.audience),
        "session": record.family_id,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
    }
