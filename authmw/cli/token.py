"""``authmw token``: signed access tokens, made and explained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from authmw.cli.jwk import new_ring
from authmw.cli.options import database_option, duration, keys_option, scope_option
from authmw.cli.output import json_option, printable, show, table
from authmw.cli.stores import existing, granted, open_stores
from authmw.errors import ConfigurationError
from authmw.explain import Finding, explain, unverified
from authmw.issuing import TokenIssuer
from authmw.keys import KeyRing
from authmw.principal import Principal
from authmw.verifiers.jwt import JWTVerifier

_MAX_INPUT = 1 << 20


@click.group()
def token() -> None:
    """Access tokens: signed JWTs."""


@token.command()
@click.argument("username")
@scope_option
@click.option("--lifetime", type=duration, default="10m", show_default=True, help="How long it is good for.")
@click.option("--issuer", envvar="AUTHMW_ISSUER", show_envvar=True, required=True, help="Who signs: the iss.")
@click.option(
    "--audience", envvar="AUTHMW_AUDIENCE", show_envvar=True, required=True, help="The API it is for: the aud."
)
@keys_option
@database_option
@json_option
def issue(
    *,
    username: str,
    scopes: tuple[str, ...],
    lifetime: int,
    issuer: str,
    audience: str,
    keys_path: Path,
    database: str,
    as_json: bool,
) -> None:
    """Sign an access token for USERNAME, with all scopes of the user or the given ones.

    Where there is no key ring yet, one is made.
    """
    user = existing(open_stores(database).users, username)
    if user.disabled:
        raise click.ClickException(f"{user.username!r} is disabled: `authmw users enable` lets the user in again")
    allowed = granted(user, scopes)
    signs = TokenIssuer(_ring(keys_path), issuer=issuer, audience=audience, lifetime=lifetime)
    signed = signs.issue(Principal(user.id, scopes=allowed))
    document = {"access_token": signed, "token_type": "Bearer", "expires_in": lifetime, "scope": " ".join(allowed)}
    show(document, signed, as_json=as_json)


@token.command("explain")
@click.argument("text", metavar="[TOKEN]", default="-")
@click.option("--issuer", envvar="AUTHMW_ISSUER", show_envvar=True, help="The iss it has to have.")
@click.option("--audience", envvar="AUTHMW_AUDIENCE", show_envvar=True, help="The aud it has to have.")
@keys_option
@json_option
def explain_token(text: str, issuer: str | None, audience: str | None, keys_path: Path, as_json: bool) -> None:
    """Say in plain words what a token says, which checks pass, and what to do next.

    The token is read from standard input, where no list of processes shows it. Exit code 1: it would be refused.
    """
    signed = _token(text)
    findings, accepted = _findings(signed, issuer=issuer, audience=audience, keys_path=keys_path)
    show(
        {
            "accepted": accepted,
            "findings": [{"check": each.check, "ok": each.ok, "words": each.words} for each in findings],
        },
        table(["", "CHECK", "FOUND"], [[_MARKS[each.ok], each.check, each.words] for each in findings]),
        as_json=as_json,
    )
    if not accepted:
        sys.exit(1)


_MARKS = {True: "ok", False: "FAILS", None: "-"}


def _findings(signed: str, *, issuer: str | None, audience: str | None, keys_path: Path) -> tuple[list[Finding], bool]:
    """What was found, and whether the token is accepted: only when its signature could be verified."""
    try:
        ring = KeyRing.load(keys_path)
    except ConfigurationError as error:
        unknown = Finding("signature", None, f"not verified: {printable(str(error))}")
        return [*explain(signed), unknown], False
    # What is not given is not compared, and that is said.
    verifier = JWTVerifier(ring, issuer=issuer, audience=audience or _audiences(signed))
    findings = explain(signed, verifier)
    accepted = findings[-1].ok is True
    skipped = {name for name, given in (("issuer", issuer), ("audience", audience)) if given is None}
    return [_not_compared(each) if each.check in skipped else each for each in findings], accepted


def _not_compared(finding: Finding) -> Finding:
    name = finding.check
    return Finding(name, None, f"not compared: give --{name} or AUTHMW_{name.upper()}")


def _audiences(signed: str) -> list[str] | None:
    """Every audience that the token names, so that none of them is refused."""
    read = unverified(signed)
    found: object = None if read is None else read[1].get("aud")
    named = cast("list[object]", found) if isinstance(found, list) else [found]
    return [each for each in named if isinstance(each, str) and each] or None


def _ring(path: Path) -> KeyRing:
    if path.exists():
        return KeyRing.load(path)
    ring = new_ring(path)
    click.echo(f"{path}: made a new key ring; who verifies the token needs this file", err=True)
    return ring


def _token(text: str) -> str:
    if text == "-":
        if sys.stdin.isatty():
            click.echo("Paste the token, then Enter and Ctrl-D:", err=True)
        text = sys.stdin.buffer.read(_MAX_INPUT).decode("utf-8", "replace")
    signed = text.strip().removeprefix("Bearer ").strip()
    if not signed:
        raise click.UsageError("there is no token on standard input")
    return signed
