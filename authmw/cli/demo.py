"""Command ``authmw demo``: a Flask and an ASGI application on loopback, over one database and one key ring."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from authmw.cli.demo_lines import HOST, MEMBER, Line, lines, login_lines, written
from authmw.cli.output import json_option, show

if TYPE_CHECKING:
    from authmw.cli.demo_user import DemoUser

_ABSENT: Final = (
    "the demo runs the programs of examples/, which come with the source and not with the package: "
    "clone the repository and run `make demo`"
)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    envvar="PORT",
    default=8000,
    show_default=True,
    show_envvar=True,
    help="The port of the Flask application; the ASGI application gets the next one.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="The folder of the database and the key ring, which are kept between runs.",
)
@json_option
def demo(port: int, directory: Path, as_json: bool) -> None:
    """Run the Flask example and the ASGI example on loopback, and print requests to try. Ctrl-C stops it."""
    with _stopped_by_signals():
        from authmw.cli.demo_servers import serving
        from authmw.cli.demo_user import prepare

        flask_app, asgi_app = _example("flask_app"), _example("asgi_app")
        user = prepare(directory, issuer=asgi_app.ISSUER, audience=asgi_app.AUDIENCE)
        where = (user.database, user.keys_path)
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        with serving(port, lambda: flask_app.create_app(*where), lambda: asgi_app.create_app(*where)):
            # From here on each request is logged to stderr, with the reason of a refusal.
            logging.getLogger().setLevel(logging.INFO)
            logging.getLogger("werkzeug").setLevel(logging.INFO)
            ports = ((port, port + 1), (port + 1, port))
            requests = [
                [*lines(each, user.credentials), *login_lines(each, other, user.credentials)] for each, other in ports
            ]
            show(_document(port, user, requests), _text(port, user, requests), as_json=as_json)
            threading.Event().wait()
    click.echo("Stopped.", err=True)


class _Stopped(BaseException):
    """SIGINT or SIGTERM was received."""


@contextmanager
def _stopped_by_signals() -> Generator[None]:
    """Leave the block without a traceback when SIGINT or SIGTERM is received."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        # A second signal must not interrupt the closing.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _example(name: str) -> Any:
    """The module of that name in the folder ``examples``, which stands beside the package in a checkout."""
    import authmw

    root = Path(authmw.__file__).resolve().parent.parent
    if not (root / "examples" / f"{name}.py").is_file():
        raise click.ClickException(_ABSENT)
    sys.path.insert(0, str(root))
    try:
        return importlib.import_module(f"examples.{name}")
    finally:
        sys.path.remove(str(root))


def _document(port: int, user: DemoUser, requests: list[list[Line]]) -> dict[str, Any]:
    return {
        "flask": f"http://{HOST}:{port}",
        "asgi": f"http://{HOST}:{port + 1}",
        "docs": [f"http://{HOST}:{each}/docs" for each in (port, port + 1)],
        "database": user.database,
        "username": user.credentials.username,
        "prelude": MEMBER,
        "requests": [{"command": line.command, "status": line.status} for each in requests for line in each],
    }


def _text(port: int, user: DemoUser, requests: list[list[Line]]) -> str:
    flask, asgi = ("\n".join(map(written, each)) for each in requests)
    return f"""\
Flask on http://{HOST}:{port} and ASGI on http://{HOST}:{port + 1}, reachable from this machine only.
{user.introduction}

In a browser: http://{HOST}:{port}/docs and http://{HOST}:{port + 1}/docs
Authorize there by name and password, then try it out.

Paste these into another terminal; the expected status is after the #.

# prints one member of the kept answer, such as access_token
{MEMBER}

# ---- Flask ----
{flask}

# ---- ASGI: the same token, the same password, the same key ----
{asgi}

# ---- the users, which are still there after a restart ----
{_this_command()} users list --database {user.database}

Ctrl-C stops it."""


def _this_command() -> str:
    import shlex

    python = Path(sys.executable)
    here = Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shlex.quote(str(shown))} -m authmw"
