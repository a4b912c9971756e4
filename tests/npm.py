"""Packages of npm that tests run, as a lock file pins them, kept in ``.venvs``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import ROOT

_FILES: Final = ("package.json", "package-lock.json")
_AT_ONCE: Final = ("--fetch-retries=0", "--fetch-timeout=10000")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of npm.

    Args:
        name: of the package.
        here: the folder with its ``package.json`` and ``package-lock.json``.
    """

    name: str
    here: Path

    def is_available(self) -> bool:
        """Whether node and npm are there, and the package is, or npm finds the release."""
        has_node = shutil.which("node") is not None and shutil.which("npm") is not None
        return has_node and (self._is_cached() or self._is_reachable())

    def prepare(self) -> Path:
        """The folder of the package, fetched unless it was before.

        Raises:
            RuntimeError: npm cannot install what the lock file says.
        """
        with _locked(self._home.with_name(f"{self.name}.lock")):
            if not self._is_cached():
                self._home.mkdir(parents=True, exist_ok=True)
                for name in _FILES:
                    shutil.copyfile(self.here / name, self._home / name)
                done = self._npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
                if done.returncode != 0:
                    raise RuntimeError(f"npm ci\n{done.stdout}{done.stderr}")
                self._stamp.write_text(self._fingerprint())
        return self._home / "node_modules" / self.name

    @property
    def _home(self) -> Path:
        return ROOT / ".venvs" / self.name

    @property
    def _stamp(self) -> Path:
        return self._home / "ready"

    def _is_cached(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text() == self._fingerprint()

    def _is_reachable(self) -> bool:
        pinned: dict[str, str] = json.loads((self.here / "package.json").read_text())["dependencies"]
        return all(
            self._npm("view", f"{name}@{version}", "version", *_AT_ONCE).stdout for name, version in pinned.items()
        )

    def _fingerprint(self) -> str:
        return hashlib.sha256(b"\n".join((self.here / name).read_bytes() for name in _FILES)).hexdigest()

    def _npm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        at = self._home if self._home.exists() else self.here
        return subprocess.run(["npm", *arguments], cwd=at, capture_output=True, text=True, check=False, timeout=240)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Held by one process at a time; the system releases it when that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
