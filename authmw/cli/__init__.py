"""The command ``authmw``, also ``python -m authmw`` and, with the Flask adapter, ``flask authmw``.

Only click and the small modules of the core are loaded to show help; everything else is imported by the command that
needs it. Exit codes: 0 done, 1 refused or failed (a sentence on stderr), 2 called wrongly.
"""

from authmw.cli.root import group, main

__all__ = ["group", "main"]
