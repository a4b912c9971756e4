"""The listener that counts events: ``authmw_refused_total``, ``authmw_logged_in_seconds`` and the others.

Labels are the fields with few values: no user, no address and no path is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from authmw.errors import ConfigurationError
from authmw.events import Event, LoggedIn, LoginFailed, Refreshed, TokenIssued, on_event
from authmw.events.records import KINDS

_TAKE_TIME: Final = (LoggedIn, LoginFailed, Refreshed, TokenIssued)


def instrument(registry: CollectorRegistry | None = None) -> Callable[[], None]:
    """From now on, count each event of authmw in `registry`.

    It runs where the event happens, since it only counts: a request waits for no network, and no event is lost.

    Args:
        registry: where the metrics are; that of the process by default.

    Returns:
        A function that ends it, and takes the metrics out of the registry.

    Raises:
        ConfigurationError: the registry has them already.

    >>> registry = CollectorRegistry()
    >>> stop = instrument(registry)
    >>> from authmw import KeyRing
    >>> _ = KeyRing.generate().rotate()
    >>> registry.get_sample_value("authmw_keys_rotated_total", {"issuer": ""})
    1.0
    >>> stop()
    """
    counting = Counting(REGISTRY if registry is None else registry)
    stop_listening = on_event(counting, inline=True)

    def stop() -> None:
        stop_listening()
        counting.leave()

    return stop


class Counting:
    """The listener.

    Args:
        registry: where the metrics are.

    Raises:
        ConfigurationError: the registry has them already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._counters: dict[str, Counter] = {}
        self._seconds: dict[str, Histogram] = {}
        try:
            for kind in KINDS:
                self._add(kind)
        except ValueError:
            self.leave()
            raise ConfigurationError(
                "this registry has metrics of authmw already: call authmw_prometheus.instrument() once, or with a "
                "registry of its own"
            ) from None

    def _add(self, kind: type[Event]) -> None:
        name, about = f"authmw_{kind.name}", (kind.__doc__ or "").partition("\n")[0]
        self._counters[kind.name] = Counter(name, about, kind.labels, registry=self._registry)
        if kind in _TAKE_TIME:
            self._seconds[kind.name] = Histogram(f"{name}_seconds", about, kind.labels, registry=self._registry)

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        fields = event.fields()
        labels = [str(fields.get(name, "")) for name in event.labels]
        counter, seconds = self._counters[event.name], self._seconds.get(event.name)
        (counter.labels(*labels) if labels else counter).inc()
        if seconds is not None:
            (seconds.labels(*labels) if labels else seconds).observe(float(str(fields["seconds"])))

    def leave(self) -> None:
        """Take the metrics out of the registry."""
        for each in (*self._counters.values(), *self._seconds.values()):
            self._registry.unregister(each)
        self._counters, self._seconds = {}, {}
