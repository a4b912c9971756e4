"""Command ``authmw tokens explain``: the contents of a token, and the checks that it passes."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import click

from authmw.cli.options import keys_option
from authmw.cli.output import json_option, printable, show, table
from authmw.cli.secret_input import read_token
from authmw.crypto.keyring import KeyRing
from authmw.errors import ConfigurationError
from authmw.issuers.diagnosis.explain import explain, unverified
from authmw.issuers.diagnosis.finding import Finding
from authmw.verifiers.jwt import JWTVerifier


@click.command("explain")
@click.argument("text", metavar="[TOKEN]", default="-")
@click.option(
    "--issuer",
    envvar="AUTHMW_ISSUER",
    default=lambda: _of_application("issuer"),
    show_envvar=True,
    help="The required issuer (iss); with --app, that of the application.",
)
@click.option(
    "--audience",
    envvar="AUTHMW_AUDIENCE",
    default=lambda: _of_application("audience"),
    show_envvar=True,
    type=click.UNPROCESSED,
    metavar="TEXT",
    help="The required audience (aud); with --app, that of the application.",
)
@keys_option
@json_option
def explain_token(
    text: str, issuer: str | None, audience: str | Collection[str] | None, keys_path: Path, as_json: bool
) -> None:
    """Say in plain words what a token says, which checks pass, and what to do next.

    The token is read from standard input, where no list of processes shows it. Exit code 1: it would be refused.
    """
    signed = read_token(text)
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


def _of_application(name: str) -> Any:
    from authmw.cli.settings import settings_of_application

    known = settings_of_application()
    return None if known is None else getattr(known, name)


_MARKS = {True: "ok", False: "FAILS", None: "-"}


def _findings(
    signed: str, *, issuer: str | None, audience: str | Collection[str] | None, keys_path: Path
) -> tuple[list[Finding], bool]:
    """The findings, and whether the token is accepted. It is never accepted if its signature could not be verified."""
    try:
        ring = KeyRing.load(keys_path)
    except ConfigurationError as error:
        unknown = Finding("signature", None, f"not verified: {printable(str(error))}")
        return [*explain(signed), unknown], False
    # Without --issuer or --audience the claim is not compared, and the finding says so (`_not_compared`).
    verifier = JWTVerifier(ring, issuer=issuer, audience=audience or _audiences(signed))
    findings = explain(signed, verifier)
    accepted = findings[-1].ok is True
    skipped = {name for name, given in (("issuer", issuer), ("audience", audience)) if given is None}
    return [_not_compared(each) if each.check in skipped else each for each in findings], accepted


def _not_compared(finding: Finding) -> Finding:
    name = finding.check
    return Finding(name, None, f"not compared: give --{name} or AUTHMW_{name.upper()}")


def _audiences(signed: str) -> list[str] | None:
    """Every audience that the token names: with these, the verifier accepts each of them."""
    read = unverified(signed)
    found: object = None if read is None else read[1].get("aud")
    named = cast("list[object]", found) if isinstance(found, list) else [found]
    return [each for each in named if isinstance(each, str) and each] or None
