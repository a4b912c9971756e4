"""The servers of a fleet, with several processes each."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from tests.fleet.settings import Settings
from tests.servers.running import Server, started

_GUNICORN: Final = (
    "-m gunicorn --log-level error --no-control-socket --bind 127.0.0.1:{port} --workers {workers} {options} {app}"
)
_THREADS: Final = "--worker-class gthread --threads 8"
_UVICORN: Final = "-m uvicorn --log-level error --host 127.0.0.1 --port {port} --workers {workers} --factory {app}"

SERVERS: Final[Mapping[str, tuple[str, str]]] = {
    # The application is made before the fork: what it has opened by then is not to be shared.
    "gunicorn-sync": (_GUNICORN.replace("{options}", "--worker-class sync --preload"), "create_flask()"),
    "gunicorn": (_GUNICORN.replace("{options}", _THREADS), "create_flask()"),
    "gunicorn-preload": (_GUNICORN.replace("{options}", f"{_THREADS} --preload"), "create_flask()"),
    "uvicorn": (_UVICORN, "create_starlette"),
    # On a busy machine, uvicorn would give up a reload whose workers take more than five seconds to start.
    "uvicorn-patient": (f"{_UVICORN} --timeout-worker-healthcheck 120", "create_starlette"),
}
"""How each is started, and what it serves."""


@contextmanager
def serving(server: str, settings: Settings, *, workers: int = 2) -> Generator[Server]:
    """`server` with that many processes of the fleet."""
    command, factory = SERVERS[server]
    with started(
        command.replace("{workers}", str(workers)), f"tests.fleet.apps:{factory}", settings.environment()
    ) as running:
        yield running
