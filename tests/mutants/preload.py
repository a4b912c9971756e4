"""Imports what tests import of others, for processes that will import authmw with a mutant in it."""

from __future__ import annotations

import importlib
import os
import warnings
from contextlib import suppress

for name in ["tests.mutants.anew", *os.environ["MUTANTS_PRELOAD"].split()]:
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(name)
