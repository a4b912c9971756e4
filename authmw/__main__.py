"""``python -m authmw`` is the command ``authmw``."""

from authmw.cli import main

main()
