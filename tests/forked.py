"""Programs that run alone, each in a process of its own that is forked from one interpreter.

That interpreter has imported packages of others that many of the programs import, and nothing of authmw: starting one
for each program would take most of the time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support import unmeasured

_SECONDS: Final = 120
_INTERPRETER: Final = """
import gc, importlib, json, os, signal, sys

for name in sys.argv[1:]:
    importlib.import_module(name)
del sys.argv[1:]
gc.freeze()  # or the end of each child would look through all of that for garbage
for line in sys.stdin.buffer:
    child = os.fork()
    if child == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
# The child runs the program at the end of this one, so that it ends as an interpreter does.
program, folder, seconds = json.loads(line)
signal.alarm(seconds)
os.chdir(folder)
for number, name in enumerate([os.devnull, "stdout", "stderr"]):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
exec(compile(program, "<string>", "exec", dont_inherit=True), {"__name__": "__main__"})
"""


class ForkedInterpreter:
    """Runs one program after the other. See `interpreter`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, program: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a program in `folder`, where the files ``stdout`` and ``stderr`` are left."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps([program, str(folder), _SECONDS]) + "\n")
        requests.flush()
        returned = int(answers.readline())
        output, errors = ((folder / name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(program, returned, output, errors)


@contextmanager
def interpreter(*modules: str) -> Generator[ForkedInterpreter]:
    """An interpreter that has imported `modules`, without settings of authmw in its environment."""
    environ = {name: value for name, value in unmeasured().items() if not name.startswith("AUTHMW_")}
    command = [sys.executable, "-c", _INTERPRETER, *modules]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield ForkedInterpreter(process)
