"""Runs FastAPI's tests of security, unmodified, on the names of `authmw_fastapi.security`; and ours on any release."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fastapi_suite.releases import Release
from tests.fastapi_suite.selection import select
from tests.support import ROOT

OURS: Final = (
    "test_security_authorization.py",
    "test_security_keys.py",
    "test_security_documents.py",
    "security_forms_over_the_wire.py",
)
"""Our tests that hold on every release; the last one needs python-multipart."""
_HERE: Final = Path(__file__).parent


def run_theirs(release: Release) -> subprocess.CompletedProcess[str]:
    """FastAPI's own tests, with the substitution."""
    return run_substituted(release, release.sources, select(release.sources))


def run_substituted(release: Release, where: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Any tests below `where`, with the substitution."""
    options = ["-p", "authmw_substitution", "--inline-snapshot=disable"]
    return _pytest(release, where, _HERE, [*options, *tests])


def run_ours(release: Release) -> subprocess.CompletedProcess[str]:
    """Our tests of what is substituted."""
    return _pytest(release, ROOT, None, [f"tests/adapters/fastapi/{name}" for name in OURS])


def _pytest(
    release: Release, where: Path, plugins: Path | None, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    path = [str(each) for each in (plugins, ROOT / "adapters", ROOT) if each is not None]
    # Neither our coverage, nor our options, nor our workers.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "CI"))}
    return subprocess.run(
        [release.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "60", *arguments],
        cwd=where,
        env={**kept, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
