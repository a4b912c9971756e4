"""Clients of Basic, in front of a package index, git and a WebDAV store: what argon2 costs them, and what is spared.

Two tables. Thirty requests at once, of one user and of thirty users, a few times in a row: how long they take and how
many hashes they cause, with `remember_for=0` and with the default. Then pip, git, curl and PROPFIND one after the
other: what the guard takes for the first request, for those after it, and for the same request with an opaque token.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.benchmarks.basic_servers import MEASURED, PACKAGE, PASSWORD, PROGRAMS, prepare
from tests.servers.running import started

CROWD: Final = 30
ROUNDS: Final = 3
_THREADS: Final = 64
_GUNICORN: Final = (
    f"-m gunicorn --workers 1 --worker-class gthread --threads {_THREADS} --log-level error --no-control-socket "
    "--timeout 600 --bind 127.0.0.1:{port} {app}"
)
_HUNG: Final = 120.0
_LATER: Final = 40

REQUESTS: Final = {
    "pypiserver": ("GET", "/simple/"),
    "git": ("GET", "/repository.git/info/refs?service=git-upload-pack"),
    "wsgidav": ("PROPFIND", "/"),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A program behind the guard, and how it is reached."""

    port: int

    def ask(self, method: str, path: str, authorization: str = "") -> int:
        """The status of one request, on a connection of its own."""
        headers = {"Authorization": authorization} if authorization else {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_HUNG)) as connection:
            connection.request(method, path, headers=headers | {"Depth": "1"})
            response = connection.getresponse()
            response.read()
            return response.status

    def measured(self) -> tuple[int, list[float]]:
        """How many hashes were made since this was asked last, and the seconds of each request that was let in."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_HUNG)) as connection:
            connection.request("GET", MEASURED)
            told: Any = json.loads(connection.getresponse().read())
        return told["hashes"], told["seconds"]


def report() -> None:
    """Print both tables."""
    missing = [program for program in ("git", "curl") if shutil.which(program) is None]
    if missing:
        print(f"basic-clients: left out, since there is no {' and no '.join(missing)}\n")
        return
    with tempfile.TemporaryDirectory(prefix="authmw-bench-") as name:
        folder = Path(name)
        token = prepare(folder)
        print(f"{CROWD} requests at once, {ROUNDS} times in a row, argon2 default, gunicorn with {_THREADS} threads")
        for program in PROGRAMS:
            for users in (1, CROWD):
                for remember_for in (0.0, 60.0):
                    with _serving(program, remember_for, folder) as server:
                        title = f"{program:11} {users:2} users, remember_for={remember_for:2.0f}"
                        print(f"  {title}: {_storm(server, program, users)}", flush=True)
        print("\nWhat the guard takes, one request after the other: the first, those after it, the same with a token")
        for program, clients in CLIENTS.items():
            for client, run in clients.items():
                with _serving(program, 60.0, folder) as server:
                    print(f"  {client:19} {_spared(server, program, run, token)}", flush=True)
        print()


def _storm(server: Server, program: str, users: int) -> str:
    method, path = REQUESTS[program]
    took: list[float] = []
    answers: Counter[int] = Counter()

    def ask(number: int, together: threading.Barrier) -> None:
        together.wait()
        began = time.perf_counter()
        answers[server.ask(method, path, _basic(number % users))] += 1
        took.append(time.perf_counter() - began)

    for _ in range(ROUNDS):
        together = threading.Barrier(CROWD)
        threads = [threading.Thread(target=ask, args=(number, together)) for number in range(CROWD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    hashes, _ = server.measured()
    took.sort()
    counted = ", ".join(f"{count} x {status}" for status, count in sorted(answers.items()))
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    return f"p50 {p50 * 1e3:7.0f} ms, p99 {p99 * 1e3:7.0f} ms, {hashes:3} hashes; {counted}"


def _spared(server: Server, program: str, run: Callable[[Server], None], token: str) -> str:
    run(server)
    hashes, (first, *_) = server.measured()
    later: list[float] = []
    by_token: list[float] = []
    method, path = REQUESTS[program]
    while len(later) < _LATER:
        run(server)
        more, seconds = server.measured()
        hashes += more
        later += seconds
        for _ in seconds:
            if server.ask(method, path, f"Bearer {token}") >= 400:
                raise SystemExit("the token is not let in")
        by_token += server.measured()[1]
    ratio = median(later) / median(by_token)
    return (
        f"first {first * 1e3:6.1f} ms, then {median(later) * 1e6:5.0f} us, "
        f"a token {median(by_token) * 1e6:5.0f} us: {ratio:.2f} x; {hashes} hashes for {len(later)} requests"
    )


def _curl(server: Server) -> None:
    _run("curl", "--silent", "--fail", "--noproxy", "*", "--user", f"user-0:{PASSWORD}", _url(server, "/simple/"))


def _propfind(server: Server) -> None:
    head = ("--request", "PROPFIND", "--header", "Depth: 1")
    _run("curl", "--silent", "--fail", "--noproxy", "*", *head, "--user", f"user-0:{PASSWORD}", _url(server, "/"))


def _pip(server: Server) -> None:
    index = _url(server, "/simple/").replace("//", f"//user-0:{PASSWORD.replace(' ', '%20')}@")
    with tempfile.TemporaryDirectory() as folder:
        options = ("--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--isolated")
        _run(sys.executable, "-m", "pip", "download", *options, "--index-url", index, "--dest", folder, PACKAGE)


def _git(server: Server) -> None:
    url = _url(server, "/repository.git").replace("//", f"//user-0:{PASSWORD.replace(' ', '%20')}@")
    with tempfile.TemporaryDirectory() as folder:
        _run("git", "clone", "--quiet", url, folder)


CLIENTS: Final[dict[str, dict[str, Callable[[Server], None]]]] = {
    "pypiserver": {"pip download": _pip, "curl": _curl},
    "git": {"git clone": _git},
    "wsgidav": {"PROPFIND (curl)": _propfind},
}


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment["GIT_TERMINAL_PROMPT"] = "0"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _url(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def _basic(number: int) -> str:
    return "Basic " + b64encode(f"user-{number}:{PASSWORD}".encode()).decode()


@contextmanager
def _serving(program: str, remember_for: float, folder: Path) -> Generator[Server]:
    # Without a space: the command is split at spaces.
    target = f"tests.benchmarks.basic_servers:create({program!r},{remember_for},{str(folder)!r})"
    with started(_GUNICORN, target) as running:
        yield Server(running.port)
