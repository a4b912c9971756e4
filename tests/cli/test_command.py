"""What holds for every command: its help, its options, its failures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from authmw.cli import group

Run = Callable[..., Result]


def commands(of: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in of.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


EVERY = dict(commands(group))


def test_every_command_of_the_plan_is_there() -> None:
    assert set(EVERY) == {
        *(
            f"users {name}"
            for name in (
                *("create", "list", "disable", "enable", "set-password", "set-scopes", "set-email", "import", "let-in"),
                *("show", "delete", "rename", "export"),
            )
        ),
        *(f"keys {name}" for name in ("create", "list", "revoke")),
        *(f"clients {name}" for name in ("create", "list", "disable", "enable", "set-scopes", "rotate-secret")),
        *(f"{group} {name}" for group in ("tokens", "token") for name in ("issue", "explain", "list", "revoke")),
        *(f"sessions {name}" for name in ("list", "end")),
        *(f"db {name}" for name in ("upgrade", "check", "sql")),
        *(f"jwk {name}" for name in ("generate", "rotate", "retire", "list")),
        "prune",
        "routes",
        "openapi",
        "explain",
        "doctor",
        "demo",
    }


def test_the_old_name_of_the_tokens_works_and_is_not_shown(run: Run) -> None:
    shown = run("--help").stdout
    assert "  tokens " in shown
    assert "  token " not in shown
    assert run("token", "--help").exit_code == 0


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_json_and_help(run: Run, name: str) -> None:
    helped = run(*name.split(), "--help")
    assert helped.exit_code == 0
    assert "--json" in helped.stdout


@pytest.mark.parametrize("name", EVERY)
def test_no_option_takes_a_secret_as_its_value(name: str) -> None:
    valued = [param for param in EVERY[name].params if isinstance(param, click.Option) and not param.is_flag]
    assert [param.name for param in valued if "password" in str(param.name) or "secret" in str(param.name)] == []


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'jwt', 'cryptography', 'argon2', 'sqlalchemy', 'asyncio', 'socket', 'werkzeug', 'uvicorn', 'flask'}"
    program = (
        # What measures the coverage may have loaded some before.
        "import sys; before = set(sys.modules); "
        "from authmw.cli import group; group(['--help'], standalone_mode=False); "
        f"print(sorted({heavy} & (set(sys.modules) - before)))"
    )
    shown = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("alice")
def test_without_the_extra_for_sql_it_says_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authmw_sqlalchemy", None)
    refused = run("users", "list")
    assert refused.exit_code == 1
    assert 'pip install "authmw[sql]"' in refused.stderr


@pytest.mark.usefixtures("alice")
def test_a_bug_is_not_dressed_as_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("authmw_sqlalchemy.users.SQLUsers.list", broken)
    result = CliRunner().invoke(group, ["users", "list"])
    assert isinstance(result.exception, RuntimeError)
