"""Group of the commands ``flask authmw …``, which Flask finds through the entry point ``flask.commands``."""

from authmw.cli import group

__all__ = ["group"]
