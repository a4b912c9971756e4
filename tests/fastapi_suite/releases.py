"""Releases of FastAPI, each with its tests and an environment that runs them, kept in ``.venvs``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.support import ROOT

NEWEST: Final = version("fastapi")
"""The release that is installed beside authmw."""
YEAR_OLD: Final = "0.122.1"
"""Of November 2025, the first that answers 401 where it had answered 403."""
OLDEST: Final = "0.115.11"
"""The oldest that the extra allows. Its tests expect 403: ours are run on it."""

# What FastAPI's tests of security and ours import, and the plugins that the configurations of pytest name.
_TESTS_NEED: Final = (
    "dirty-equals",
    "email-validator",
    "httpx",
    "hypothesis",
    "inline-snapshot",
    "pwdlib[argon2]",
    "pytest-timeout",
    "pytest-xdist",
    "python-multipart",
)
# What came out later than the release may warn of how it is used, and there a warning is a failure.
_PINNED: Final[Mapping[str, tuple[str, ...]]] = {
    NEWEST: ("httpx2", "pytest>=9,<9.2"),
    YEAR_OLD: ("pydantic==2.12.*", "pytest==8.4.*", "anyio==4.11.*"),
    OLDEST: ("pydantic==2.9.*", "pytest>=8.3", "anyio==4.6.*", "httpx==0.27.2", "python-multipart==0.0.12"),
}


@dataclass(frozen=True, slots=True)
class Release:
    """A release on this machine.

    Args:
        version: as ``0.122.1``.
        python: the interpreter of an environment with this FastAPI and with what authmw depends on.
        sources: its sdist, unpacked: ``tests`` and ``docs_src`` are in it.
    """

    version: str
    python: Path
    sources: Path


def is_cached(version: str) -> bool:
    """Whether `prepare` has nothing to fetch."""
    stamp = _stamp(version)
    return stamp.exists() and stamp.read_text() == _fingerprint(version)


def is_reachable() -> bool:
    """Whether pip finds FastAPI."""
    return _pip("index", "versions", "fastapi", check=False).returncode == 0


def prepare(version: str) -> Release:
    """The release `version`, fetched unless it was before."""
    home = _home(version)
    release = Release(version, home / "venv/bin/python", home / f"fastapi-{version}")
    with _locked(home.with_suffix(f"{home.suffix}.lock")):
        if not is_cached(version):
            _fetch_sources(version, home)
            subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", home / "venv"], check=True)
            _pip("--python", str(release.python), "install", "--no-compile", *_requirements(version))
            _stamp(version).write_text(_fingerprint(version))
    return release


def _fetch_sources(version: str, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    _pip("download", "--no-deps", "--no-binary", "fastapi", "--dest", str(home), f"fastapi=={version}")
    (sdist,) = home.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(home, filter="data")
    sdist.unlink()


def _requirements(version: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours: list[str] = [*project["dependencies"], *project["optional-dependencies"]["starlette"]]
    return [f"fastapi=={version}", *_TESTS_NEED, *_PINNED.get(version, ("pytest",)), *ours]


def _home(version: str) -> Path:
    return ROOT / ".venvs" / f"fastapi-{version}"


def _stamp(version: str) -> Path:
    return _home(version) / "ready"


def _fingerprint(version: str) -> str:
    return hashlib.sha256(json.dumps([sys.version, _requirements(version)]).encode()).hexdigest()


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Held by one process at a time; the system releases it when that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done
