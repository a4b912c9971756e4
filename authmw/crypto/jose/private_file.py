"""Writing a file that only its owner may read, in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` with mode 0600: a reader sees the old content or the new, whole.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    # A symbolic link stays one, and what it points to is replaced.
    path = Path(os.path.realpath(path))
    # mkstemp creates with mode 0600, whatever the umask; in the same directory, so that the rename is atomic.
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
