"""What several tests need: the root of the repository, a fresh interpreter, and `require` for what may be missing."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent

TIERS: Final = ("servers", "fleet", "clients", "programs", "browser", "slow")
"""The marks of tests that ``make test`` leaves out. A test with none of them is marked ``in_process``."""


@dataclass(slots=True)
class Running:
    """The test that runs now."""

    in_process: bool = False


running: Final = Running()
"""Set by tests/conftest.py before each test."""


def chromium() -> str | None:
    """The path of Debian's chromium, or of another one that playwright can drive."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _listens(port: int) -> bool:
    """Whether something answers on `port` of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _is_installed(*modules: str) -> bool:
    return all(find_spec(module) is not None for module in modules)


def _has_fastapi_releases() -> bool:
    """Whether the releases of FastAPI that its suite is run on are there, or pip can fetch them."""
    from tests.fastapi_suite import releases

    needed = (releases.NEWEST, releases.YEAR_OLD, releases.OLDEST)
    return all(map(releases.is_cached, needed)) or releases.is_reachable()


def _has_package_index() -> bool:
    """Whether pip finds a package."""
    from tests.fastapi_suite import releases

    return releases.is_reachable()


def _has_oidc_provider() -> bool:
    from tests.oidc_provider.package import PACKAGE

    return PACKAGE.is_available()


def _has_axe() -> bool:
    from tests.browser.axe.package import PACKAGE

    return PACKAGE.is_available()


def _has_beautiful_mermaid() -> bool:
    from tests.pictures.package import PACKAGE

    return PACKAGE.is_available()


_AVAILABLE: Final[Mapping[str, Callable[[], bool]]] = {
    "axe": _has_axe,
    "beautiful-mermaid": _has_beautiful_mermaid,
    "browser": lambda: _is_installed("playwright") and chromium() is not None,
    "curl": lambda: shutil.which("curl") is not None,
    "fastapi-sdist": _has_fastapi_releases,
    "java": lambda: shutil.which("javac") is not None,
    "mcp": lambda: _is_installed("mcp"),
    "git": lambda: shutil.which("git") is not None and (ROOT / ".git").exists(),
    "oidc-provider": _has_oidc_provider,
    "package-index": _has_package_index,
    "postgresql": lambda: _is_installed("psycopg", "sqlalchemy") and _listens(5432),
    "redis": lambda: _is_installed("redis") and _listens(6379),
    "redis-server": lambda: _is_installed("redis") and shutil.which("redis-server") is not None,
    "nginx": lambda: shutil.which("nginx") is not None,
    "importlinter": lambda: _is_installed("importlinter"),
    "zensical": lambda: _is_installed("zensical", "mkdocstrings_handlers.python"),
}
_TOOLS: Final = frozenset({"git", "importlinter", "mcp", "zensical"})
"""What a test that runs in process may ask for: neither a server nor a program that is driven."""


def require(need: str) -> None:
    """Go on only where `need` is available: elsewhere the test is skipped, or fails when ``CI=true``.

    Args:
        need: ``axe``, ``beautiful-mermaid``, ``browser``, ``curl``, ``git``, ``java``, ``nginx``, ``oidc-provider``,
            ``package-index``, a database that listens on its usual port of this machine, ``postgresql``, ``redis`` or
            ``redis-server``, or a tool of the checks: ``importlinter``, ``zensical``.

    Raises:
        RuntimeError: a test that runs in process asks for a server: it needs one of the marks in `TIERS`.
    """
    if running.in_process and need not in _TOOLS:
        raise RuntimeError(f"a test that needs {need} has to be marked: {', '.join(TIERS)}")
    if _AVAILABLE[need]():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI has to have {need}", pytrace=False)
    pytest.skip(f"{need} is not available")


def examples(number: int) -> int:
    """How many examples a test of a property takes that needs another number than most: `number`, and in the same
    proportion fewer where the profile of hypothesis says fewer."""
    from hypothesis import settings  # programs that tests start import this module too

    return max(1, number * settings().max_examples // 100)


def objects_of_authmw() -> Counter[str]:
    """How many objects of each class of authmw and its adapters there are in this process."""
    gc.collect()
    objects: list[object] = gc.get_objects()
    kinds = (type(each) for each in objects)
    named = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)  # of some, `__module__` is no text
    return Counter(name for name in named if name.startswith("authmw"))


def unmeasured() -> dict[str, str]:
    """The environment of this process for a program that measures no coverage, which takes as long as imports do.

    Flask's commands leave a variable behind in the process that runs them, by which `app.run()` does nothing.
    """
    left = {name for name in os.environ if name.startswith("COVERAGE_")} | {"FLASK_RUN_FROM_CLI"}
    return {name: value for name, value in os.environ.items() if name not in left}


def fresh_python(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a new, isolated interpreter (``python -I``) with `arguments` and capture what it prints."""
    return subprocess.run(
        [sys.executable, "-I", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
        env=unmeasured(),  # measuring would load modules of its own
    )
