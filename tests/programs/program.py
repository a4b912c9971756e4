"""Program of a page in ``docs/programs``, as its reader has it: its files in a folder, what it needs installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.servers.running import Server, started

UVICORN = "-m uvicorn --host 127.0.0.1 --port {port} {app}"
"""Starts an ASGI application by `Program.serve`."""
GUNICORN = "-m gunicorn --workers 1 --threads 4 --bind 127.0.0.1:{port} {app}"
"""Starts a WSGI application by `Program.serve`. The page has to install gunicorn."""

_PATIENCE = 180.0
"""Seconds in which a server has to start. Some programs import a lot."""
ISSUER, AUDIENCE = "https://me.example", "shop"
"""The issuer and the audience of the tokens in the pages."""
PASSWORD = "correct horse battery staple"
"""The password of each user that `Program.create_user` creates."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its environment.

    Args:
        python: the interpreter of its environment.
        folder: has its files, and is the working directory of all its processes.
    """

    python: Path
    folder: Path

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] = MappingProxyType({}),
        given: str = "",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, as ``("authmw", "users", "create", "alice")``, and capture its output.

        Args:
            command: the name of the command, as ``python``, and its arguments.
            environment: variables beside those of this process.
            given: the standard input.
            timeout: seconds.
        """
        program, *arguments = command
        return subprocess.run(
            [self.python.with_name(program), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **environment},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def generate_keys(self) -> None:
        """Make the key ring ``keys.json``, by the command ``authmw``.

        Raises:
            RuntimeError: the command failed; with what it printed.
        """
        self._checked("jwk", "generate")

    def create_user(self, name: str, *scopes: str) -> None:
        """Create a user by the command ``authmw`` of the environment, with `PASSWORD`.

        Raises:
            RuntimeError: the command failed; with what it printed.
        """
        options = [each for scope in scopes for each in ("--scope", scope)]
        self._checked("users", "create", name, *options, "--password-stdin", given=PASSWORD)

    def issue_token(self, name: str, *options: str) -> str:
        """A signed token of a user for the issuer and the audience of the pages, by the command ``authmw``.

        Raises:
            RuntimeError: the command failed; with what it printed.
        """
        return self._checked("tokens", "issue", name, "--issuer", ISSUER, "--audience", AUDIENCE, *options).strip()

    def _checked(self, *arguments: str, given: str = "") -> str:
        """What ``authmw`` prints."""
        done = self.run("authmw", *arguments, given=given)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def serve(
        self, app: str, command: str = UVICORN, environment: Mapping[str, str] = MappingProxyType({})
    ) -> AbstractContextManager[Server]:
        """A server of the program; it is stopped when the block ends.

        Args:
            app: ``module:name``, or the file of a program that serves itself, with ``command="{app}"``.
            command: the arguments of the interpreter, with ``{port}`` and ``{app}`` in it.
            environment: variables beside those of this process; ``{port}`` in a value is the port.
        """
        return started(command, app, environment, python=self.python, folder=self.folder, patience=_PATIENCE)
