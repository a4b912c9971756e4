"""The command on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


class Terminal:
    """``authmw``, or what `run` says, on a terminal of its own."""

    def __init__(self, directory: Path, *arguments: str, run: Sequence[str] = ()) -> None:
        self.screen = b""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            run or [sys.executable, "-m", "authmw", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=directory,
            start_new_session=True,
        )
        os.close(slave)

    def expect(self, text: bytes) -> None:
        start, deadline = len(self.screen), time.monotonic() + 30
        while text not in self.screen[start:]:
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, self.screen
            self.screen += os.read(self._master, 4096)

    def type(self, line: bytes) -> None:
        os.write(self._master, line + b"\n")

    def read_to_end(self) -> None:
        """Read what the command prints until it ends."""
        try:
            while printed := os.read(self._master, 4096):
                self.screen += printed
        except OSError:  # EIO: nobody has the terminal any more
            pass

    def close(self) -> int:
        code = self.process.wait(30)
        os.close(self._master)
        return code
