"""Serves an application by Werkzeug's development server: ``python -m tests.servers.werkzeug PORT MODULE:NAME``."""

from __future__ import annotations

import logging
import sys
from importlib import import_module

from werkzeug.serving import run_simple

if __name__ == "__main__":
    module, _, name = sys.argv[2].partition(":")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple("127.0.0.1", int(sys.argv[1]), getattr(import_module(module), name), threaded=True)
