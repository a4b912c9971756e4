"""A page of the docs, followed as it stands: files are saved, lines are typed, and what they print is compared.

A reader takes one tab everywhere. A block with a title is a file; a block ``console`` has lines behind ``$`` and what
they print, in which ``…`` stands for anything. A line that runs a server runs until the next one that does, or the end.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.cli.terminal import Terminal
from tests.examples.running import free_port
from tests.support import unmeasured

BIN: Final = Path(os.environ.get("TUTORIAL_BIN", Path(sys.executable).parent))
"""Where the commands are: an environment with the wheel alone, or that of the tests."""
PASSWORD: Final = "correct horse battery staple"
PORT: Final = 8000
"""The port in the pages."""
SERVERS: Final = ("flask --app", "uvicorn", "gunicorn")
_ASKS: Final = ("authmw users create", "authmw users set-password")
_FENCE: Final = re.compile(r"^```(?P<language>\w+)(?P<more>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SECRETS: Final = {"eyJ…": r"eyJ[\w.-]+", "rt_…": r"rt_\w+", "ak_…": r"ak_\w+"}
_START_SECONDS: Final = 60.0
_END: Final = "@@ended@@"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line to type, and what the page says it prints."""

    typed: str
    prints: str


def text_for(page: str, tab: str, *, from_here: bool) -> str:
    """What a reader of one tab reads.

    Args:
        page: the text of the page.
        tab: its name.
        from_here: whether it is the first page for this reader, who does what the box ``Beginning here?`` says.
    """
    wanted = [f'=== "{tab}"', *(['??? tip "Beginning here?"'] if from_here else [])]
    kept: list[str] = []
    reads, inside = True, False
    for line in page.splitlines():
        if line.startswith(("=== ", "??? ", "!!! ")):
            reads, inside = line in wanted or line.startswith("!!! "), True
        elif inside and line and not line.startswith("    "):
            reads, inside = True, False
            kept.append(line)
        elif reads:
            kept.append(line.removeprefix("    ") if inside else line)
    return "\n".join(kept) + "\n"


def steps(text: str) -> Iterator[File | Line]:
    """The files and lines of a text, in order."""
    for fence in _FENCE.finditer(text):
        title = re.search(r'title="([^"]+)"', fence["more"])
        if title is not None:
            yield File(title[1], fence["text"])
        elif fence["language"] == "console":
            yield from _lines(fence["text"])


def _lines(block: str) -> Iterator[Line]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        typed, _, prints = part.partition("\n")
        while typed.endswith("\\"):
            more, _, prints = prints.partition("\n")
            typed += f"\n{more}"
        yield Line(re.sub(r"  +# .*", "", typed), prints)


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether `printed` is what the page shows; the case of letters does not count, since servers write headers so."""
    pattern = re.escape(_tidy(shown)).replace("…", ".*")
    return re.fullmatch(pattern, _tidy(printed), re.DOTALL | re.IGNORECASE) is not None


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r", "").strip().splitlines())


def wait_for(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a process listens, and tell whether it does."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)  # a process is waited for
    return False


@dataclass
class Follower:
    """A reader with a folder, a shell that stays open, and a terminal for the server.

    Args:
        folder: an empty folder.
        handled: the beginning of a line → what is done in its place, as where an administrator is needed.
        replaced: text of the page → that of this machine, in files, lines and output.
        environment: more variables of all that runs.
    """

    folder: Path
    handled: Mapping[str, Callable[[str], str]] = field(default_factory=dict[str, Callable[[str], str]])
    replaced: dict[str, str] = field(default_factory=dict[str, str])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    port: int = field(default_factory=free_port)
    seen: dict[str, str] = field(default_factory=dict[str, str])
    _shell: subprocess.Popen[str] | None = None
    _server: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        """The home of the reader, beside the folder."""
        return self.folder.parent / "home"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.home / "server.log"

    def configure_curl(self, *lines: str) -> None:
        """Let curl reach the ports of this test by the addresses of the page."""
        self.home.mkdir(exist_ok=True)
        here = f'connect-to = "127.0.0.1:{PORT}:127.0.0.1:{self.port}"'
        (self.home / ".curlrc").write_text("\n".join(["silent", "show-error", here, *lines, ""]))

    def follow(self, text: str) -> None:
        """Do all that a text says."""
        for step in steps(text):
            if isinstance(step, File):
                (self.folder / step.name).write_text(self.here(step.text))
            else:
                self.type(step)

    def here(self, text: str) -> str:
        """Text of the page, as it has to be on this machine."""
        for there, here in self.replaced.items():
            text = text.replace(there, here)
        return text

    def type(self, line: Line) -> None:
        """Type a line, and compare what it prints."""
        printed = self._printed_by(line.typed)
        for placeholder, pattern in _SECRETS.items():
            if found := re.search(pattern, printed):
                self.seen[placeholder] = found[0]
        shown = self.here(line.prints)
        log = self.log.read_text() if self.log.exists() else ""
        assert is_as_shown(shown, printed), f"$ {line.typed}\n{printed}\n--- the page shows:\n{shown}\n--- log:\n{log}"

    def _printed_by(self, typed: str) -> str:
        for beginning, handle in self.handled.items():
            if typed.startswith(beginning):
                return handle(typed)
        if typed.startswith(("pip install", "python3 -m venv", ". .venv/bin/activate")):
            return ""  # the environment has it: tests/house/test_tabs.py
        typed = self.here(typed)
        for placeholder, value in self.seen.items():
            typed = typed.replace(placeholder, value)
        if typed.startswith(SERVERS):
            self.serve(typed)
            return ""
        if typed.startswith(_ASKS) and "--no-password" not in typed:
            return self._ask(typed)
        return self.run(typed)

    def run(self, typed: str) -> str:
        """What the shell prints for a line."""
        if self._shell is None:
            self._shell = subprocess.Popen(
                ["bash", "--norc"],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{ {typed}\n}} </dev/null\nprintf '\\n%s\\n' {_END}\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.rstrip("\n") == _END:
                break
            printed.append(line)
        return "".join(printed)

    def _ask(self, typed: str) -> str:
        """What a command prints that asks for a password, which is typed twice."""
        terminal = Terminal(self.folder, run=["bash", "-c", f"{self._exported()}; exec {typed}"])
        for prompt in (b"Password: ", b"confirmation: "):
            terminal.expect(prompt)
            terminal.type(PASSWORD.encode())
        terminal.read_to_end()
        assert terminal.close() == 0, terminal.screen
        return terminal.screen.decode()

    def _exported(self) -> str:
        """The variables of the shell, as a command for another one."""
        return self.run("export -p").strip().replace("\n", "; ")

    def _variables(self) -> dict[str, str]:
        """The variables that the shell exports, of those that are in capitals."""
        lines = self.run("env").splitlines()
        return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))

    def serve(self, typed: str, environment: Mapping[str, str] | None = None) -> None:
        """Stop the server that runs, and start another one by a line of the page, on the port of this test.

        Args:
            typed: the line.
            environment: more variables; those that the shell exports unless given.
        """
        told = self._variables() if environment is None else environment
        self.stop()
        words = shlex.split(typed)
        program = words[0] if "/" in words[0] else str(BIN / words[0])
        arguments = [re.sub(rf"\b{PORT}\b", str(self.port), word) for word in words[1:]]
        self.home.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self._server = subprocess.Popen(
                [program, *arguments],
                cwd=self.folder,
                env={**self._environment(), **told},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, with its workers
            )
        if not wait_for(self.port, self._server):
            raise AssertionError(f"{typed} did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(timeout=15)
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(timeout=10)
            self._server = None

    def close(self) -> None:
        """Stop all that runs."""
        self.stop()
        if self._shell is not None:
            self._shell.communicate(timeout=10)
            self._shell = None

    def _environment(self) -> dict[str, str]:
        """As a newcomer has it: no setting of authmw, and the commands on the path."""
        kept = {name: value for name, value in unmeasured().items() if not name.startswith(("AUTHMW_", "FLASK_"))}
        return {**kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.home), **self.environment}


@contextmanager
def following(folder: Path) -> Generator[Follower]:
    """A reader with an empty folder below `folder`."""
    place = folder / "notes"
    place.mkdir()
    follower = Follower(place)
    follower.configure_curl()
    try:
        yield follower
    finally:
        follower.close()
