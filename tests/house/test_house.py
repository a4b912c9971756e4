"""The repository is laid out as agreed, and names no machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from authmw.errors import FACES
from tests.support import ROOT, require

TOP_LEVEL = set(
    "pyproject.toml README.md CHANGELOG.md LICENSE SECURITY.md CONTRIBUTING.md Makefile "
    "authmw adapters tests examples docs .ci .gitignore".split()
)

# Assembled, so that this file does not name what it looks for.
MACHINE_PATHS = re.compile("|".join(rf"(?<![\w.])/{top}/[a-z]" for top in ("root", "home", "work", "Users")))
REGISTRIES = re.compile(r"pypi\.(?:org|python)|pythonhosted\.|registry\.(?:npmjs|yarnpkg)\.|deb\.debian\.")


@cache
def tracked() -> tuple[Path, ...]:
    require("git")
    listed = subprocess.run(
        # The checkout may belong to somebody else: in CI it often does.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_the_top_level_is_exactly_what_was_agreed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} == TOP_LEVEL


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES], ids=["machine paths", "registry hosts"])
def test_no_file_names_a_machine(pattern: re.Pattern[str]) -> None:
    assert lines_with(pattern) == []


def test_the_search_for_machines_can_find_one() -> None:
    assert MACHINE_PATHS.search("open('/" + "home/me')")
    assert REGISTRIES.search("https://pypi" + ".org/simple")


def test_every_import_package_is_typed() -> None:
    packages = [ROOT / "authmw", *(path.parent for path in ROOT.glob("adapters/*/__init__.py"))]
    assert [str(package) for package in packages if not (package / "py.typed").is_file()] == []


def test_every_folder_of_adapters_is_a_package_that_every_tool_knows() -> None:
    settings = pyproject()["tool"]
    # A folder with no Python in it is what another branch left behind.
    names = sorted(path.name for path in (ROOT / "adapters").iterdir() if [*path.glob("*.py")])
    packages = ["authmw", *(f"adapters/{name}" for name in names)]
    assert sorted(settings["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(packages)
    assert sorted(settings["importlinter"]["root_packages"]) == sorted(["authmw", *names])
    assert {face for face in FACES if "." not in face} == {"authmw", *names}


def test_the_changelog_has_an_open_section() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()
