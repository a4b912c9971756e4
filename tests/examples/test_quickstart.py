"""The quickstart, followed as it stands: each tab is saved, its server is run, and its lines are typed."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.examples.running import free_port
from tests.support import ROOT, unmeasured

PAGE = (ROOT / "docs" / "quickstart.md").read_text()
PASSWORD = "correct horse battery staple"
_TAB = re.compile(r'^=== "(?P<name>\w+)"\n(?P<text>(?:    .*\n|\n)+)', re.MULTILINE)
_PORT = "8000"
BIN = Path(os.environ.get("QUICKSTART_BIN", Path(sys.executable).parent))
"""Where the commands are: `.ci/quickstart-from-wheel` names an environment with the wheel alone."""

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def section(title: str) -> str:
    """The text below a heading; that in front of the first heading is ``Quickstart``."""
    titles: list[str] = ["Quickstart", *re.findall(r"^## (.+)$", PAGE, re.MULTILINE)]
    texts: list[str] = re.split(r"^## .+$", PAGE, flags=re.MULTILINE)
    return dict(zip(titles, texts, strict=True))[title]


def tabs(title: str) -> dict[str, str]:
    """Name → text of the tabs in a section."""
    found = _TAB.finditer(section(title))
    return {tab["name"]: re.sub(r"^    ", "", tab["text"], flags=re.MULTILINE) for tab in found}


def fenced(text: str, language: str) -> list[str]:
    """The blocks of that language."""
    found: list[str] = re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


def typed(text: str) -> list[str]:
    """The lines behind a prompt."""
    lines = [line for block in fenced(text, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


FIRST = tabs("Quickstart")


@contextmanager
def serving(folder: Path, line: str, port: int) -> Generator[None]:
    """The server of a line of the page, on another port."""
    words = [str(BIN / shlex.split(line)[0]), *shlex.split(line.replace(_PORT, str(port)))[1:]]
    process = subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def environment() -> dict[str, str]:
    """As a newcomer has it: no setting of authmw, and the command on the path."""
    kept = {name: value for name, value in unmeasured().items() if not name.startswith("AUTHMW_")}
    return {**kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


class Shell:
    """Types lines of the page; what an earlier answer showed stands for ``eyJ…``, ``rt_…`` and ``ak_…``."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.seen: dict[str, str] = {"password=…": shlex.quote(f"password={PASSWORD}")}

    def run(self, line: str) -> str:
        """What the line prints."""
        line = line.partition("  #")[0]
        for placeholder, value in self.seen.items():
            line = line.replace(placeholder, value)
        line = line.replace(f":{_PORT}", f":{self.port}").replace(
            "curl -u alice", f"curl -u {shlex.quote(f'alice:{PASSWORD}')}"
        )
        ran = subprocess.run(
            ["bash", "-c", line.replace("curl ", "curl -sS ")],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        for prefix, pattern in {"eyJ…": r"eyJ[\w.-]+", "rt_…": r"rt_\w+", "ak_…": r"ak_\w+"}.items():
            if found := re.search(pattern, ran.stdout):
                self.seen[prefix] = found[0]
        return ran.stdout


def create_alice(folder: Path) -> None:
    terminal = Terminal(folder, run=[str(BIN / "authmw"), *shlex.split("users create alice --scope orders:read")])
    terminal.expect(b"assword")
    terminal.type(PASSWORD.encode())
    terminal.expect(b": ")
    terminal.type(PASSWORD.encode())
    assert terminal.close() == 0, terminal.screen


@pytest.mark.parametrize("name", FIRST)
def test_the_program_has_nine_lines_or_ten(name: str) -> None:
    (program,) = fenced(FIRST[name], "python")
    assert len([line for line in program.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("name", FIRST)
def test_the_page_is_followed_to_a_user_who_is_logged_in_and_out(name: str, tmp_path: Path) -> None:
    port = free_port()
    shell = Shell(tmp_path, port)
    _, run = typed(FIRST[name])
    (first,) = fenced(FIRST[name], "python")
    (tmp_path / "shop.py").write_text(first)
    lines = [line for line in typed(section("Quickstart")) if not line.startswith(("pip", "flask", "uvicorn"))]
    create, log_in, ask, *quick = lines
    with serving(tmp_path, run, port):
        assert create.startswith("authmw users create alice --scope orders:read")
        create_alice(tmp_path)
        assert json.loads(shell.run(log_in))["scope"] == "orders:read"
        assert json.loads(shell.run(ask)) == {"hello": "alice"}
        issue, with_token, with_password = quick
        assert json.loads(shell.run(f"{issue}; {with_token}")) == {"hello": "alice"}
        assert json.loads(shell.run(with_password)) == {"hello": "alice"}
    second = "A second scope, an API key, and a logout"
    (tmp_path / "shop.py").write_text(fenced(tabs(second)[name], "python")[0])
    with serving(tmp_path, run, port):
        forbidden, robot, key, with_key, more, log_out = typed(section(second))
        assert json.loads(shell.run(forbidden))["code"] == "authmw.scope-missing"
        shell.run(robot)
        shell.run(key)
        assert json.loads(shell.run(with_key)) == {"ordered by": "robot"}
        shell.run(more)
        assert json.loads(shell.run(forbidden)) == {"ordered by": "alice"}
        shell.run(log_out)
        again = "curl -d grant_type=refresh_token -d refresh_token=rt_… http://127.0.0.1:8000/auth/token"
        assert json.loads(shell.run(again))["error"] == "invalid_grant"


def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(fenced(tabs("A second scope, an API key, and a logout")["Flask"], "python")[0])
    (tmp_path / "test_shop.py").write_text(fenced(section("Test it"), "python")[0])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr
