"""The command finds the database and the keys where the application has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from tests.cli.conftest import Run

SHOP = """
from authmw_flask import LocalAuth
from flask import Flask

app = Flask(__name__)
LocalAuth(app, database="sqlite:///shop.db", keys="shop.json", issuer="http://localhost/shop/auth", audience="shop")
plain = Flask("plain")
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [str(Path.cwd()), *sys.path])
    yield
    sys.modules.pop("localshop", None)


@pytest.fixture
def shop(directory: Path) -> str:
    (directory / "localshop.py").write_text(SHOP)
    return "localshop:app"


def test_the_application_says_its_database_and_keys(run: Run, shop: str, directory: Path) -> None:
    assert run("users", "create", "alice", "--no-password", "--app", shop).exit_code == 0
    assert (directory / "shop.db").exists()
    assert not (directory / "app.db").exists()
    token = run("tokens", "issue", "alice", "--app", shop).stdout.strip()
    told = run(
        "tokens",
        "explain",
        token,
        "--keys",
        "shop.json",
        "--issuer",
        "http://localhost/shop/auth",
        "--audience",
        "shop",
    )
    assert told.exit_code == 0, told.output
    assert not (directory / "keys.json").exists()


def test_the_environment_names_the_application_too(
    run: Run, shop: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHMW_APP", shop)
    assert run("users", "create", "alice", "--no-password").exit_code == 0
    assert (directory / "shop.db").exists()


@pytest.mark.parametrize("told_by", ["option", "environment"])
def test_another_database_or_other_keys_stop_the_command(
    run: Run, shop: str, directory: Path, told_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, other, own in [("database", "sqlite:///app.db", "shop.db"), ("keys", "keys.json", "shop.json")]:
        with monkeypatch.context() as patch:
            if told_by == "environment":
                patch.setenv(f"AUTHMW_{name.upper()}", other)
            options = [f"--{name}", other] if told_by == "option" else []
            refused = run("tokens", "issue", "alice", "--app", shop, *options)
            assert refused.exit_code == 1
            assert f"the application has its {name} in" in refused.stderr
            assert own in refused.stderr
            assert f"leave out --{name} (AUTHMW_{name.upper()}), or leave out --app" in refused.stderr
            same = [f"--{name}", str(directory / own) if name == "keys" else f"sqlite:///{directory}/{own}"]
            assert "the application has" not in run("tokens", "issue", "alice", "--app", shop, *same).stderr


def test_a_password_of_a_database_is_not_shown(run: Run, shop: str) -> None:
    refused = run("users", "list", "--app", shop, "--database", "postgresql://app:s3cret@db/shop")
    assert refused.exit_code == 1
    assert "told postgresql://db/shop" in refused.stderr
    assert "s3cret" not in refused.output


def test_an_application_without_local_auth_is_said(run: Run, shop: str) -> None:
    refused = run("users", "list", "--app", "localshop:plain")
    assert refused.exit_code == 1
    assert "has no LocalAuth" in refused.stderr
    assert "AUTHMW_DATABASE" in refused.stderr


def test_a_file_is_read_as_the_application_reads_it(run: Run, directory: Path) -> None:
    (directory / "authmw.toml").write_text('database = "sqlite:///filed.db"\nkeys = "filed.json"\n')
    assert run("users", "create", "alice", "--no-password").exit_code == 0
    assert run("tokens", "issue", "alice").exit_code == 0
    assert sorted(each.name for each in directory.glob("filed.*")) == ["filed.db", "filed.json"]


def test_a_secret_file_is_read_too(run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "secret").write_text("sqlite:///secret.db\n")
    monkeypatch.setenv("AUTHMW_DATABASE_FILE", "secret")
    assert run("users", "create", "alice", "--no-password").exit_code == 0
    assert (directory / "secret.db").exists()


def test_a_name_that_is_no_setting_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_DATABSE", "sqlite:///x.db")
    refused = run("users", "create", "alice", "--no-password")
    assert refused.exit_code == 1
    assert "AUTHMW_DATABSE is no setting of authmw: did you mean AUTHMW_DATABASE?" in refused.stderr


def test_production_assumes_no_database(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_ENV", "production")
    refused = run("users", "list")
    assert refused.exit_code == 1
    assert "AUTHMW_ENV=production: set AUTHMW_DATABASE" in refused.stderr


def test_flasks_command_uses_its_application(shop: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "false")  # Flask sets it for good: this takes it back
    arguments = ["--app", shop, "authmw", "users", "create", "alice", "--no-password"]
    made = CliRunner().invoke(FlaskGroup(), arguments)
    assert made.exit_code == 0, made.output
    assert (directory / "shop.db").exists()
    assert not (directory / "app.db").exists()
