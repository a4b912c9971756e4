"""``flask authmw ...``: the group of the command ``authmw``, found through the entry point ``flask.commands``."""

from authmw.cli import group

__all__ = ["group"]
