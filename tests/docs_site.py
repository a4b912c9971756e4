"""The docs as `make docs` builds them: once for all tests of a checkout, and again when their sources change."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.support import ROOT

MADE_OF: Final = ("docs", "authmw", "adapters", ".ci")
BUILT: Final = ("site", ".cache", "reference")
_HOME: Final = ROOT / ".venvs" / "docs"


def built() -> Path:
    """The folder of the built site.

    Raises:
        RuntimeError: the build failed, or complained of something.
    """
    _HOME.mkdir(parents=True, exist_ok=True)
    with _HOME.with_name("docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        home = _HOME / _fingerprint()
        if not (home / "ready").exists():
            shutil.rmtree(_HOME)
            _build(home)
            (home / "ready").touch()
    return home / "docs" / "site"


def _build(home: Path) -> None:
    for name in MADE_OF:
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__", *BUILT))
    done = subprocess.run([sys.executable, home / ".ci" / "build_site.py"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)


def _fingerprint() -> str:
    digest = hashlib.sha256("".join(map(version, ("zensical", "mkdocstrings-python"))).encode())
    for path in sources():
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    """What the site is made of."""
    for name in MADE_OF:
        for path in sorted((ROOT / name).rglob("*")):
            inside = path.relative_to(ROOT / name).parts
            if path.is_file() and "__pycache__" not in inside and not (name == "docs" and inside[0] in BUILT):
                yield path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test says what went wrong."""


@contextmanager
def served(site: Path) -> Generator[str]:
    """The origin of a server of the site, that runs on a thread of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
