"""Flows: questions to stores, two drivers that answer them, call modes, pools, cache, single flight, breaker, forks."""

from typing import TYPE_CHECKING

from authmw.errors import FlowError, Overloaded, face
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, Work, run, run_async

__all__ = [
    "Ask",
    "CallMode",
    "Flow",
    "FlowError",
    "Overloaded",
    "Work",
    "run",
    "run_async",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
