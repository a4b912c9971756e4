"""Nothing imports upward: the contracts of pyproject.toml, and that they can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, require

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _the_linter_is_installed() -> None:
    require("importlinter")


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={"PYTHONPATH": f"{directory}:{directory / 'adapters'}"},
    )


def copy_with(directory: Path, module: str, line: str) -> None:
    """A copy of the sources in `directory`, with one import more."""
    for path in [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py"), ROOT / "pyproject.toml"]:
        target = directory / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    with (directory / module).open("a") as file:
        file.write(f"\n{line}\n")


def test_nothing_imports_upward() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    "module, line, contract",
    [
        ("authmw/http/grammar.py", "import authmw.engine", "Each room imports only"),
        ("authmw/schemes/http_basic.py", "import authmw.engine", "Each room imports only"),
        ("authmw/engine/auth.py", "import authmw_flask", "Adapters stand above"),
        ("authmw/engine/auth.py", "import starlette", "no framework"),
        ("authmw/http/request.py", "import werkzeug", "without Werkzeug"),
        ("authmw/unplaced.py", "", "Each room imports only"),
        ("adapters/authmw_flask/__init__.py", "import authmw_starlette", "beside each other"),
    ],
)
def test_an_import_upward_is_noticed(tmp_path: Path, module: str, line: str, contract: str) -> None:
    copy_with(tmp_path, module, line)
    linted = lint_imports(tmp_path)
    broken = [row for row in linted.stdout.splitlines() if "BROKEN" in row]
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert any(contract in row for row in broken), linted.stdout
