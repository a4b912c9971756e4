"""``flask authmw``: the group of the command ``authmw``, found by Flask itself."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from authmw.cli import group


def test_flask_finds_the_group_of_the_command() -> None:
    (found,) = entry_points(group="flask.commands", name="authmw")
    assert found.load() is group


def test_flask_shows_its_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "false")  # Flask sets it for good: this takes it back
    shown = CliRunner().invoke(FlaskGroup(), ["authmw", "--help"])
    assert shown.exit_code == 0
    assert "users" in shown.output
