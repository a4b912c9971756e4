"""Atomic writer of files that only their owner may read."""

from __future__ import annotations

import os


def replace(path: str, content: bytes) -> None:
    """Write `content` to a file at `path` with mode 0600. A reader sees the whole old or the whole new content.

    Raises:
        OSError: the file cannot be written. An existing file is not changed.
    """
    # If `path` is a symbolic link, its target is replaced, and the link stays.
    path = os.path.realpath(path)
    name = _written_beside(path, content)
    try:
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def create(path: str, content: bytes) -> bool:
    """Write `content` to a new file at `path` with mode 0600, as `replace` does. Only one of several processes does.

    Returns:
        Whether this process made the file. If not, the file was there first, and is not changed.

    Raises:
        OSError: the file cannot be written, or the file system has no hard links.
    """
    path = os.path.realpath(path)
    name = _written_beside(path, content)
    try:
        # As atomic as a rename, but it fails if there is a file: no lock is left behind by a process that is killed.
        os.link(name, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(name)
    return True


def _written_beside(path: str, content: bytes) -> str:
    """The name of a new file with `content` in the directory of `path`, which is complete on the disk."""
    import tempfile

    # mkstemp creates the file with mode 0600, whatever the umask is. The file is in the same directory, so that a
    # rename is atomic.
    directory, base = os.path.split(path)
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=f".{base}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return name
