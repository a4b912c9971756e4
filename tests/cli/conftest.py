"""The command in an empty directory, with cheap hashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import authmw_sqlalchemy
import pytest
from click.testing import CliRunner, Result

from authmw.cli import group
from authmw.crypto.passwords import CHEAPEST, PasswordHasher

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cheap = partial(authmw_sqlalchemy.SQLStores, hasher=PasswordHasher(CHEAPEST))
    monkeypatch.setattr(authmw_sqlalchemy, "SQLStores", cheap)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Run the command; what it was not meant to raise is raised here."""

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        result = CliRunner().invoke(group, arguments, stdin, prog_name="authmw", catch_exceptions=False)
        assert "Traceback" not in result.stderr
        return result

    return run


@pytest.fixture
def document(run: Run) -> Callable[..., dict[str, Any]]:
    """Run the command with ``--json``: the one document that it prints, and nothing else."""

    def document(*arguments: str, stdin: str | bytes = "") -> dict[str, Any]:
        result = run(*arguments, "--json", stdin=stdin)
        assert (result.exit_code, result.stdout.count("\n")) == (0, 1), result.output
        parsed: dict[str, Any] = json.loads(result.stdout)
        return parsed

    return document


@pytest.fixture
def alice(run: Run) -> str:
    """A user who may read and write orders."""
    scopes = ("--scope", "orders:read", "--scope", "orders:write")
    created = run("users", "create", "alice", *scopes, "--password-stdin", stdin="correct horse\n")
    assert created.exit_code == 0, created.output
    return "alice"
