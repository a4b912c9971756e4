"""Entry point of ``python -m authmw``: the command ``authmw``."""

from authmw.cli import main

main()
