"""Atomic writer of files that only their owner may read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` to a file at `path` with mode 0600. A reader sees the whole old or the whole new content.

    Raises:
        OSError: the file cannot be written. An existing file is not changed.
    """
    # If `path` is a symbolic link, its target is replaced, and the link stays.
    path = Path(os.path.realpath(path))
    # mkstemp creates the file with mode 0600, whatever the umask is. The file is in the same directory, so that the
    # rename is atomic.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
