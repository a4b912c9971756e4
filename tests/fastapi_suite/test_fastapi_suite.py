"""FastAPI's own tests of security pass on `authmw_fastapi.security`, and would fail on anything else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fastapi_suite.releases import NEWEST, OLDEST, YEAR_OLD, prepare
from tests.fastapi_suite.run import run_ours, run_substituted, run_theirs
from tests.fastapi_suite.selection import select
from tests.support import require

NOT_OURS = """
import importlib

import fastapi.security.http
from fastapi.security.base import SecurityBase

def test_a_class_of_fastapi_that_is_found_by_another_way():
    next(each for each in SecurityBase.__subclasses__() if each.__module__ == "fastapi.security.http")(scheme="x")

def test_a_class_that_fastapi_defines_again():
    importlib.reload(fastapi.security.http).HTTPBearer()

def test_something_else():
    pass
"""


def output(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


@pytest.mark.clients
@pytest.mark.parametrize("version", [NEWEST, YEAR_OLD])
def test_fastapis_own_tests_pass_on_ours(version: str) -> None:
    require("fastapi-sdist")
    done = run_theirs(prepare(version))
    assert done.returncode == 0, output(done)
    assert "authmw: replaced 17 names of fastapi.security" in done.stdout


@pytest.mark.clients
@pytest.mark.parametrize("version", [NEWEST, YEAR_OLD, OLDEST])
def test_ours_behave_alike_on_every_release(version: str) -> None:
    require("fastapi-sdist")
    done = run_ours(prepare(version))
    assert done.returncode == 0, output(done)


@pytest.mark.clients
def test_a_run_that_uses_fastapis_own_classes_or_none_fails(tmp_path: Path) -> None:
    require("fastapi-sdist")
    (tmp_path / "test_not_ours.py").write_text(NOT_OURS)
    done = run_substituted(prepare(NEWEST), tmp_path, ["test_not_ours.py"])
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout
    assert done.stdout.count("is FastAPI's own") >= 2
    assert "authmw: not used: APIKeyCookie" in done.stdout


@pytest.mark.parametrize(
    "path, text, is_selected",
    [
        ("tests/test_security_x.py", "", True),
        ("tests/test_tutorial/test_security/test_tutorial999.py", "", True),
        ("tests/test_other.py", "import fastapi", False),
        ("tests/test_other.py", "from fastapi.security import HTTPBasic", True),
        ("tests/test_other.py", "from fastapi import (\n    Depends,\n    Security,\n)", True),
        ("tests/test_other.py", "import_module(f'docs_src.keys.{name}')", True),
        ("tests/test_other.py", "from docs_src.keys.tutorial001 import app", True),
        ("tests/test_other.py", "from docs_src.keys_too.tutorial001 import app", False),
        ("tests/test_other.py", "from .helper import app", True),
        ("tests/test_sub/test_other.py", "from tests.helper import app", True),
        ("tests/test_sub/test_other.py", "from tests import helper", True),
        ("tests/helper_of_none.py", "from fastapi.security import HTTPBasic", False),
    ],
)  # fmt: skip
def test_files_are_selected_by_what_they_reach(tmp_path: Path, path: str, text: str, is_selected: bool) -> None:
    sources = {
        "docs_src/keys/tutorial001.py": "import fastapi.security",
        "docs_src/keys_too/tutorial001.py": "",
        "tests/helper.py": "from docs_src.keys.tutorial001 import app",
        path: text,
    }
    for name, content in sources.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert select(tmp_path) == ((path,) if is_selected else ())
