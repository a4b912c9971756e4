"""authmw for OpenTelemetry: its events as log records, counters, histograms and spans."""

from typing import TYPE_CHECKING

try:
    import opentelemetry.trace as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'authmw_opentelemetry needs OpenTelemetry: pip install "authmw[opentelemetry]"'
    ) from _error

from authmw.errors import face
from authmw_opentelemetry.telemetry import instrument

__all__ = ["instrument"]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
