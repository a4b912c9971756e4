"""A service in production on this machine: the program and the server of a page, keys, a database and a user."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.deployment.page import command_of, file_of, settings_of, text_of, write
from tests.programs.page import files_in
from tests.servers.running import Server, started
from tests.support import unmeasured

PASSWORD: Final = "correct horse battery staple"
"""Of the user ``alice``."""
CLIENT: Final = "billing"
"""A client of the token endpoint. Its secret costs no hash, so that wrong ones are tried in no time."""
_PAGES: Final[Mapping[str, tuple[str, str, str]]] = {
    "uvicorn": ("uvicorn", "uvicorn", "uvicorn"),
    "gunicorn": ("gunicorn", "gunicorn", "gunicorn"),
    "granian-asgi": ("granian", "granian", "uvicorn"),
    "granian-wsgi": ("granian", "granian", "mod-wsgi"),
    "hypercorn": ("granian", "hypercorn", "uvicorn"),
    "waitress": ("granian", "waitress-serve", "mod-wsgi"),
    "mod_wsgi": ("", "", "mod-wsgi"),
}
"""Each server: the page and the name of its command, and the page of its program."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is needed to run the program.

    Args:
        folder: where ``shop.py`` is.
        environment: the settings.
    """

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, entered: str = "", status: int = 0) -> str:
        """What the command ``authmw`` prints.

        Args:
            arguments: of the command.
            entered: its standard input.
            status: the exit code that it has to have.
        """
        ran = subprocess.run(
            [sys.executable, "-m", "authmw", *arguments],
            cwd=self.folder,
            env={**unmeasured(), **self.environment, "PYTHONPATH": str(self.folder)},
            input=entered,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if ran.returncode != status:
            raise RuntimeError(f"authmw {' '.join(arguments)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    @contextmanager
    def serving(self, command: str) -> Generator[Server]:
        """A server that is started by `command`, arguments for Python, until the block ends."""
        with started(command, "", self.environment, folder=self.folder) as server:
            yield server


def prepare(service: Service) -> None:
    """Make keys, tables, the user ``alice`` and a client, by the commands of the pages."""
    service.run("jwk", "generate")
    service.run("db", "upgrade")
    service.run("clients", "create", CLIENT, "--scope", "orders:read")
    service.run("users", "create", "alice", "--scope", "orders:read", "--password-stdin", entered=PASSWORD)


def settings_in(folder: Path) -> dict[str, str]:
    """The settings of the first page, with keys and a file of SQLite in `folder` and without Redis."""
    settings = settings_of("index", "shop.env")
    del settings["AUTHMW_REDIS"]
    return settings | {"AUTHMW_KEYS": f"{folder}/keys.json", "AUTHMW_DATABASE": f"sqlite:///{folder}/shop.db"}


def service_of(server: str, folder: Path, template: Path) -> Service:
    """The program for `server`, with copies of the keys and the database in `template`, which `prepare` made."""
    for path in template.iterdir():
        shutil.copy(path, folder)
    page, _, program = _PAGES[server]
    files: Mapping[str, str] = files_in(text_of(page)) if page else {}
    for title in ("gunicorn.conf.py", f"{server.removeprefix('granian-')}/served.py"):
        if title in files:
            write(folder, Path(title).name, files[title])
    write(folder, "shop.py", file_of(program, "shop.py"))
    return Service(folder, settings_in(folder))


def command_for(server: str) -> str:
    """The command of the page of `server`, as arguments for Python, at a port of the test."""
    page, program, _ = _PAGES[server]
    line = shlex.join(command_of(page, program)).replace("8000", "{port}")
    if server == "granian-wsgi":
        line = line.replace("--interface asgi", "--interface wsgi")
    if server == "gunicorn":  # it finds gunicorn.conf.py by itself
        line += " --no-control-socket --bind 127.0.0.1:{port}"
    return f"-m {line.replace('waitress-serve', 'waitress', 1)}"
