"""The drivers of flows, by name: what holds for one has to hold for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import trio

from authmw.flow.flow import run, run_async


def _asyncio(flow: Any, **options: Any) -> Any:
    return asyncio.run(run_async(flow, **options))


def _trio(flow: Any, **options: Any) -> Any:
    async def main() -> Any:
        return await run_async(flow, **options)

    return trio.run(main)


DRIVERS: Final[Mapping[str, Callable[..., Any]]] = {"sync": run, "asyncio": _asyncio, "trio": _trio}
"""Each takes a flow, and the options of `run`."""
