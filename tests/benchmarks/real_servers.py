"""Real servers on loopback, driven by wrk: requests per second without authmw and with it.

Each server runs twice, in one process each: the bare application, and the same behind authmw with a remembered token.
wrk asks them in turn, on one thread with 16 connections, with the tokens of 64 users.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from authmw import Auth, HTTPBearer
from authmw.verifiers.jwt import JWTVerifier
from tests.benchmarks import apps
from tests.benchmarks.adapters import bearer
from tests.benchmarks.cases import AUDIENCE, ISSUER, SECRET, Absent, ring
from tests.benchmarks.harness import USERS
from tests.benchmarks.results import Figure, Table
from tests.servers.running import started

TURNS: Final = 5
SECONDS: Final = 1
_SERVED: Final = "tests.benchmarks.real_servers:served"
_APP: Final = "AUTHMW_BENCH_APP"
_GUARDED: Final = "AUTHMW_BENCH_GUARDED"

_GUNICORN: Final = (
    "-m gunicorn --workers 1 --worker-class gthread --threads 4 --log-level error --no-control-socket "
    "--bind 127.0.0.1:{port} {app}()"
)
_UVICORN: Final = "-m uvicorn --factory --log-level error --no-access-log --host 127.0.0.1 --port {port} {app}"
_GRANIAN: Final = "-m granian --factory --no-log --workers 1 --host 127.0.0.1 --port {port} --interface asgi {app}"
SERVERS: Final = {
    "gunicorn, raw WSGI": (_GUNICORN, "wsgi"),
    "gunicorn, Flask": (_GUNICORN, "flask"),
    "uvicorn, raw ASGI": (_UVICORN, "asgi"),
    "uvicorn, Starlette": (_UVICORN, "starlette"),
    "uvicorn, FastAPI": (_UVICORN, "fastapi"),
    "granian, FastAPI": (_GRANIAN, "fastapi"),
}
_APPS: Final[dict[str, tuple[Callable[[], apps.App], Callable[[Auth], apps.App]]]] = {
    "wsgi": (lambda: apps.bare_wsgi, apps.guarded_wsgi),
    "asgi": (lambda: apps.bare_asgi, apps.guarded_asgi),
    "flask": (apps.flask_app, apps.guarded_flask),
    "starlette": (apps.starlette_app, apps.guarded_starlette),
    "fastapi": (apps.fastapi_app, apps.guarded_fastapi),
}
_SCRIPT: Final = """
local values, turn = %s, 0
request = function()
  turn = turn %% #values + 1
  return wrk.format("GET", "/orders", {Authorization = values[turn]})
end
done = function(summary, latency, requests)
  print(string.format("counted %%d %%d %%f", summary.requests, summary.errors.status, summary.duration / 1e6))
end
"""


def measured() -> Table:
    """Both rates of each server, and the ratio of the times of a request.

    Raises:
        Absent: wrk is not installed.
    """
    if shutil.which("wrk") is None:
        raise Absent("wrk is not installed (apt install wrk)")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="authmw-bench-") as folder:
        script = Path(folder) / "tokens.lua"
        values = [bearer(user, "orders:read orders:write") for user in range(USERS)]
        script.write_text(_SCRIPT % ("{" + ",".join(map(json.dumps, values)) + "}"))
        for name, (command, app) in SERVERS.items():
            without, guarded = _rates(command, app, script)
            ratios = [bare / rate for bare, rate in zip(without, guarded, strict=True)]
            figures += [
                Figure.of(f"{name}: time of a request with / without", ratios),
                Figure.of(f"{name}, without [1/s]", without),
                Figure.of(f"{name}, with authmw [1/s]", guarded),
            ]
    return Table.now("Real servers, JWT HS256, remembered: driven by wrk", figures, processes=1, rounds=TURNS)


def served() -> Any:
    """The application that the environment of a server names, bare or behind authmw."""
    bare, guarded = _APPS[os.environ[_APP]]
    if os.environ[_GUARDED] == "no":
        return bare()
    return guarded(Auth(HTTPBearer(JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE))))


def _rates(command: str, app: str, script: Path) -> tuple[list[float], list[float]]:
    """The requests per second in each turn, without authmw and with it."""
    rates: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as running:
        ports = [
            running.enter_context(started(command, _SERVED, {_APP: app, _GUARDED: guarded})).port
            for guarded in ("no", "yes")
        ]
        for port in ports:
            _await(port)
            _driven(port, script)  # the first requests import, and verify each token once
        for _ in range(TURNS):
            for port, found in zip(ports, rates, strict=True):
                found.append(_driven(port, script))
    return rates


def _await(port: int) -> None:
    """Wait for the first answer: some servers listen before they have the application."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", "/orders")
        connection.getresponse().read()


def _driven(port: int, script: Path) -> float:
    """Requests per second.

    Raises:
        SystemExit: a request was refused.
    """
    command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^counted (\d+) (\d+) ([\d.]+)$", output, re.MULTILINE)
    if found is None or not int(found[1]) or int(found[2]):
        raise SystemExit(f"wrk was refused:\n{output}")
    return int(found[1]) / float(found[3])
