"""Environments of programs: one for each page, with what the page installs, kept in ``.venvs/programs``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support import ROOT

_HOME: Final = ROOT / ".venvs" / "programs"
_SECONDS: Final = 900.0
"""Time for one installation. Some programs depend on a hundred packages."""


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`."""
    return _HOME / name / "bin" / "python"


def is_cached(name: str, requirements: Sequence[str]) -> bool:
    """Whether `prepare` has nothing to install."""
    stamp = _stamp(name)
    return stamp.exists() and stamp.read_text() == _fingerprint(requirements)


def prepare(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of the environment `name`, which is made unless it is there. ``authmw`` is this checkout.

    Raises:
        RuntimeError: an installation failed; with what it printed.
    """
    _HOME.mkdir(parents=True, exist_ok=True)
    with _locked(_HOME / f"{name}.lock"):
        if not is_cached(name, requirements):
            subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", _HOME / name], check=True)
            _install(python_of(name), requirements)
            _stamp(name).write_text(_fingerprint(requirements))
    return python_of(name)


def _install(python: Path, requirements: Sequence[str]) -> None:
    uv = shutil.which("uv")
    if uv is None:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install"]
    else:
        command = [uv, "pip", "install", "--python", str(python)]
    command += ["--quiet", *_arguments(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _arguments(requirements: Sequence[str]) -> list[str]:
    """The arguments of an installation. Only ``authmw`` is another one than for the reader of the page."""
    arguments: list[str] = []
    for each in requirements:
        if each == "authmw" or each.startswith("authmw["):
            arguments += ["--editable", f"{ROOT}{each.removeprefix('authmw')}"]
        else:
            arguments.append(each)
    return arguments


def _stamp(name: str) -> Path:
    return _HOME / name / "ready"


def _fingerprint(requirements: Sequence[str]) -> str:
    project = (ROOT / "pyproject.toml").read_text()
    return hashlib.sha256(json.dumps([sys.version, project, *requirements]).encode()).hexdigest()


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Held by one process at a time; the system releases it when that ends."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
