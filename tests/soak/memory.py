"""Memory of the workers of a soak, over the time of each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

GROWTH: Final = 10.0
"""Mebibytes by which a worker may grow once it has served through each kind of outage."""


@dataclass(slots=True)
class Memory:
    """The resident memory of each worker, from its first sample to its last.

    Args:
        warm_after: seconds after which a worker has met everything that happens.
    """

    warm_after: float
    series: dict[tuple[str, int], list[tuple[float, float]]] = field(
        default_factory=dict[tuple[str, int], list[tuple[float, float]]]
    )
    """For each server and process, the seconds on the clock that is never set, and the mebibytes at that time."""

    def sample(self, server: str, workers: Iterable[int]) -> None:
        """Look at the workers of a server."""
        for worker in workers:
            try:
                used = int(status_of(worker, "VmRSS").split()[0]) / 1024
            except (OSError, StopIteration):  # it was just replaced
                continue
            self.series.setdefault((server, worker), []).append((time.monotonic(), used))

    def faults(self) -> list[str]:
        """The workers that have gone on growing."""
        found: list[str] = []
        for (server, worker), samples in self.series.items():
            warm = [used for at, used in samples if at >= samples[0][0] + self.warm_after]
            if warm and warm[-1] > warm[0] + GROWTH:
                found.append(f"{server}: worker {worker} grew from {warm[0]:.0f} to {warm[-1]:.0f} MiB")
        return found

    def __str__(self) -> str:
        lines = (
            f"{server:18} worker {worker:7}: {' '.join(f'{used:.0f}' for _, used in samples)} MiB in "
            f"{samples[-1][0] - samples[0][0]:.0f} s"
            for (server, worker), samples in self.series.items()
        )
        return "\n".join(lines)


def status_of(process: int, name: str) -> str:
    """One line of what the kernel says of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
