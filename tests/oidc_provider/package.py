"""The npm package ``oidc-provider`` as the lock file beside pins it, kept in ``.venvs``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support import ROOT

HERE: Final = Path(__file__).resolve().parent
_HOME: Final = ROOT / ".venvs" / "oidc-provider"
_STAMP: Final = _HOME / "ready"
_FILES: Final = ("package.json", "package-lock.json")
_AT_ONCE: Final = ("--fetch-retries=0", "--fetch-timeout=10000")


def is_cached() -> bool:
    """Whether `prepare` has nothing to fetch."""
    return _STAMP.exists() and _STAMP.read_text() == _fingerprint()


def is_reachable() -> bool:
    """Whether npm finds the release."""
    pinned: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return all(_npm("view", f"{name}@{version}", "version", *_AT_ONCE).stdout for name, version in pinned.items())


def prepare() -> str:
    """The URL of its module, fetched unless it was before.

    Raises:
        RuntimeError: npm cannot install what the lock file says.
    """
    with _locked(_HOME.with_name("oidc-provider.lock")):
        if not is_cached():
            _HOME.mkdir(parents=True, exist_ok=True)
            for name in _FILES:
                shutil.copyfile(HERE / name, _HOME / name)
            done = _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
            if done.returncode != 0:
                raise RuntimeError(f"npm ci\n{done.stdout}{done.stderr}")
            _STAMP.write_text(_fingerprint())
    return (_HOME / "node_modules" / "oidc-provider" / "lib" / "index.js").as_uri()


def _fingerprint() -> str:
    return hashlib.sha256(b"\n".join((HERE / name).read_bytes() for name in _FILES)).hexdigest()


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Held by one process at a time; the system releases it when that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    at = _HOME if _HOME.exists() else HERE
    return subprocess.run(["npm", *arguments], cwd=at, capture_output=True, text=True, check=False, timeout=240)
