"""Command ``authmw demo``: applications for programs and for browsers on loopback, over one database and key ring."""

from __future__ import annotations

import importlib
import logging
import shutil
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from authmw.cli.demo_lines import HOST, LINES, prelude, written
from authmw.cli.output import json_option, show

if TYPE_CHECKING:
    from authmw.cli.demo_user import DemoUser

_IN_WHEEL: Final = "authmw.cli.demo_apps"
"""Where the build puts the three examples that the demo runs."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65533),
    envvar="PORT",
    default=8000,
    show_default=True,
    show_envvar=True,
    help="The port of the Flask application; the ASGI application and the one with pages get the next two.",
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
    """Run three applications on loopback, and print requests and pages to try. Ctrl-C stops it.

    It needs Flask, SQLAlchemy, Swagger UI and uvicorn: pip install "authmw[demo]".
    """
    with _stopped_by_signals():
        from authmw.cli.demo_servers import serving
        from authmw.cli.demo_user import prepare

        examples = [_example(name) for name in ("flask_app", "asgi_app", "login_app")]
        user = prepare(directory)
        where = (user.database, user.keys_path)
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        with serving(port, *(partial(example.create_app, *where) for example in examples)):
            # From here on each request is logged to stderr, with the reason of a refusal.
            logging.getLogger().setLevel(logging.INFO)
            logging.getLogger("werkzeug").setLevel(logging.INFO)
            show(_document(port, user), screen(port, user), as_json=as_json)
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
    """The example of that name: a part of the wheel, and in a checkout a file of the folder ``examples``."""
    from importlib.util import find_spec

    try:
        if find_spec(_IN_WHEEL) is not None:
            return importlib.import_module(f"{_IN_WHEEL}.{name}")
        return _of_checkout(name)
    except ImportError as error:
        raise click.ClickException(
            f'the demo needs Flask, SQLAlchemy, Swagger UI and uvicorn: pip install "authmw[demo]" ({error})'
        ) from None


def _of_checkout(name: str) -> Any:
    import authmw

    root = Path(authmw.__file__).resolve().parent.parent
    sys.path.insert(0, str(root))
    try:
        return importlib.import_module(f"examples.{name}")
    finally:
        sys.path.remove(str(root))


def _document(port: int, user: DemoUser) -> dict[str, Any]:
    flask, asgi = (f"http://{HOST}:{each}" for each in (port, port + 1))
    return {
        "flask": flask,
        "asgi": asgi,
        "docs": [f"{flask}/docs", f"{asgi}/docs"],
        "pages": _pages(port),
        "database": user.database,
        "username": user.credentials.username,
        "preludes": [prelude(each, user.credentials) for each in (port, port + 1)],
        "requests": [{"command": line.command, "status": line.status} for line in LINES],
    }


def screen(port: int, user: DemoUser) -> str:
    """What fits a terminal of 24 lines and 80 columns. What a person needs first stands last, above the cursor."""
    flask, asgi = (f"http://{HOST}:{each}" for each in (port, port + 1))
    lines = "\n".join(map(written, LINES))
    return f"""\
Flask on {flask} and ASGI on {asgi} answer alike,
on this machine only. Ctrl-C stops them. Paste this into another terminal, then
again with the other URL; after each # stands the status that comes.
{prelude(port, user.credentials)}
{lines}
{_this_command()} users list --database {user.database}

In a browser: {flask}/docs, with a login {_pages(port)}
{user.introduction}"""


def _pages(port: int) -> str:
    # By this name, which browsers trust without TLS: a cookie of 127.0.0.1 would be that of the other two as well.
    return f"http://localhost:{port + 2}/"


def _this_command() -> str:
    """The command as it can be typed here."""
    import shlex

    python, here = Path(sys.executable), Path.cwd()
    if python.is_relative_to(here):
        return f"{shlex.quote(str(python.relative_to(here)))} -m authmw"
    found = shutil.which("authmw")
    is_this = found is not None and Path(found).parent == python.parent
    return "authmw" if is_this else f"{shlex.quote(str(python))} -m authmw"
