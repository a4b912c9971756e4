"""Examples as a user starts them: in a process of their own, on a free port of loopback."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support import ROOT, unmeasured


@contextmanager
def running(example: str, directory: Path, port: int = 0) -> Generator[tuple[int, Iterator[str]]]:
    """The port of ``examples/<example>`` run in `directory`, and the lines it prints from then on."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "examples" / example],
        cwd=directory,
        env={**unmeasured(), "PORT": str(port), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found is not None:
                yield int(found[1]), iter(process.stdout)
                return
        raise RuntimeError("it did not start:\n" + "".join(printed))
    finally:
        process.terminate()
        process.communicate(timeout=10)


def free_port() -> int:
    """A port that nobody listens on, for what has to know its own before it starts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def get(port: int, path: str, **headers: str) -> tuple[int, Any]:
    """The status and the JSON of one answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
