"""The command ``authmw``, also ``python -m authmw`` and, with the Flask adapter, ``flask authmw``."""

from authmw.cli.root import group, main

__all__ = ["group", "main"]
