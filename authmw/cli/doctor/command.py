"""Command ``authmw doctor``: findings about an application, an issuer and a token, each with its mend."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import click

from authmw.cli.application import NoApplication, load
from authmw.cli.doctor.application import findings_on
from authmw.cli.output import json_option, show, table
from authmw.cli.secret_input import read_token
from authmw.errors import ConfigurationError
from authmw.http.location import mistake_in_url
from authmw.issuers.diagnosis.diagnose import diagnose
from authmw.issuers.diagnosis.finding import Finding
from authmw.issuers.fetching.fetch import Fetcher
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.profiles import PROFILES

_MAX_INPUT = 1 << 20
_NAME = re.compile(r"[\w.]+:[\w.]+(?:\(\))?")
_MARKS = {True: "ok", False: "WRONG", None: "-"}


# click accepts extra arguments here and `doctor` refuses them: click's own error would print one that is a token.
@click.command(context_settings={"allow_extra_args": True}, options_metavar="[OPTIONS] [MODULE:APP]")
@click.option(
    "--issuer",
    envvar="AUTHMW_ISSUER",
    show_envvar=True,
    help="The issuer's URL, as in `iss`. Needed without MODULE:APP.",
)
@click.option("--app", "application", metavar="MODULE:APP", help="The same as MODULE:APP.")
@click.option("--audience", envvar="AUTHMW_AUDIENCE", show_envvar=True, help="The name of this API, as in `aud`.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="The provider's token format. [default: rfc9068]")
@click.option("--token", metavar="TOKEN", help="A token; - for standard input. The list of processes shows it.")
@click.option("--token-file", metavar="FILE", help="The file that holds the token.")
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    *,
    issuer: str | None,
    application: str | None,
    audience: str | None,
    profile: str | None,
    token: str | None,
    token_file: str | None,
    as_json: bool,
) -> None:
    """Say in plain words what is wrong with an application, an issuer or a token, and what to do next.

    \b
    authmw doctor shop:app
    authmw doctor --issuer https://id.example --audience orders < token

    Of MODULE:APP its guards, routes, layers, keys, issuers, cookies, stores, password hashes, clock and log are looked
    at. Its stores are asked for what they do not have, and nothing is changed. Requests go to issuers only.

    Give a token on standard input, or in a file: on the command line the list of processes and the history of the shell
    show it. It is never printed. Exit code 1: something is wrong.
    """
    application = _named(context.args, application)
    if issuer is None and application is None:
        raise click.UsageError("Missing an application, as shop:app, or option '--issuer'.")
    if audience == "":
        raise click.BadParameter("give the name of this API", param_hint="--audience")
    given: str | None = None
    findings = [] if application is None else _of_application(application)
    if issuer is not None:
        _check_url(issuer)
        given = _token(token, token_file)
        findings += diagnose(issuer, fetcher(), token=given, audience=audience, profile=profile)
    findings = [replace(each, words=_without(given, each.words), fix=_without(given, each.fix)) for each in findings]
    wrong = sum(finding.ok is False for finding in findings)
    show(
        {
            "ok": not wrong,
            "issuer": None if issuer is None else _without(given, issuer),
            "findings": [
                {"check": each.check, "ok": each.ok, "words": each.words, "next": each.fix or None} for each in findings
            ],
        },
        f"{_lines(findings)}\n{_summary(wrong)}",
        as_json=as_json,
    )
    if wrong:
        sys.exit(1)


def _of_application(name: str) -> list[Finding]:
    """What is found about the application of that name."""
    try:
        return findings_on(load(name), name)
    except ConfigurationError as error:
        raise NoApplication(str(error)) from None


def _named(arguments: list[str], option: str | None) -> str | None:
    """The name of the application. An argument without a colon may be a token, so it is not repeated."""
    if not arguments:
        return option
    if len(arguments) > 1 or option is not None or _NAME.fullmatch(arguments[0]) is None:
        raise click.UsageError(
            "this command takes only options and one application, as shop:app: give a token on standard input, or with "
            "--token-file"
        )
    return arguments[0]


def fetcher() -> Fetcher:
    """The fetcher that sends the requests to the issuer."""
    return HTTPFetcher()


def _check_url(issuer: str) -> None:
    """Refuse a text that is no URL, without repeating it: it may be a token, or hold a password."""
    wrong = mistake_in_url(issuer, insecure=True)
    if wrong:
        raise click.BadParameter(f"{wrong}; give a URL: https://id.example", param_hint="--issuer")


def _token(token: str | None, path: str | None) -> str | None:
    """The given token, or None."""
    if token is not None and path is not None:
        raise click.UsageError("give --token or --token-file, not both")
    if token is None and path is None:
        token = _standard_input()
        if not token.strip():
            return None
    elif path is not None and path != "-":
        token = _content(path)
    return read_token("-" if token is None else token or " ").removeprefix("DPoP ").strip()


def _standard_input() -> str:
    """The text on standard input; empty if that is a terminal, or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    return sys.stdin.buffer.read(_MAX_INPUT).decode("utf-8", "replace")


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_INPUT).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        # The name is not repeated: it may be the token itself, given here by mistake.
        why = error.strerror if isinstance(error, OSError) else "not the name of a file"
        raise click.BadParameter(f"the file cannot be read: {why}", param_hint="--token-file") from None


def _without(token: str | None, text: str) -> str:
    """`text` without the token. Defence in depth: no finding repeats the token in the first place."""
    return text if token is None or len(token) < 16 else text.replace(token, "...")


def _lines(findings: list[Finding]) -> str:
    rows: list[list[str]] = []
    for each in findings:
        rows.append([_MARKS[each.ok], each.check, each.words])
        if each.fix:
            rows.append(["", "", f"-> {each.fix}"])
    return table(["", "CHECK", "FOUND"], rows)


def _summary(wrong: int) -> str:
    return "Nothing is wrong." if not wrong else f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong."
