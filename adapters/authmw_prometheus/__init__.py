"""authmw for Prometheus: counters and histograms of its events."""

from typing import TYPE_CHECKING

try:
    import prometheus_client as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_prometheus needs prometheus-client: pip install "authmw[prometheus]"') from _error

from authmw.errors import face
from authmw_prometheus.metrics import instrument

__all__ = ["instrument"]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
