"""The drivers of flows, by name: what holds for one has to hold for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import trio

from authmw.flow.flow import Flow, Shielded, run, run_async


def _asyncio(flow: Any, **options: Any) -> Any:
    return asyncio.run(run_async(flow, **options))


def _trio(flow: Any, **options: Any) -> Any:
    async def main() -> Any:
        return await run_async(flow, **options)

    return trio.run(main)


DRIVERS: Final[Mapping[str, Callable[..., Any]]] = {"sync": run, "asyncio": _asyncio, "trio": _trio}
"""Each takes a flow, and the options of `run`."""


def unshielded(flow: Flow[Any]) -> Flow[Any]:
    """`flow` with the questions of its shielded parts among its own, for tests that answer each of them."""
    answer: Any = None
    failure: BaseException | None = None
    while True:
        try:
            question = flow.send(answer) if failure is None else flow.throw(failure)
        except StopIteration as done:
            return done.value
        try:
            answer = yield from (unshielded(*question.args) if isinstance(question, Shielded) else question)
        except BaseException as error:  # also when the flow is closed: it may clean up
            failure = error
        else:
            failure = None
