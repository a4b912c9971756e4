"""Findings about the stores that an application asks: whether they answer, and whether their tables are up to date."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from typing import Any, Final, cast

from authmw.cli.doctor.credentials import verifiers_in
from authmw.crypto.opaque_tokens import token_digest
from authmw.engine.auth import Auth
from authmw.issuers.diagnosis.finding import Finding

_NOBODY: Final = "authmw-doctor"
_SLOW: Final = 0.5
_PROBES: Final[tuple[tuple[str, tuple[object, ...]], ...]] = (
    ("find", (_NOBODY,)),
    ("find_key", (token_digest(_NOBODY),)),
    ("find_token", (token_digest(_NOBODY),)),
    ("find_digest", (_NOBODY, _NOBODY, "SHA-256")),
)
"""A lookup of each port that only reads, with arguments for which no store has anything."""


def findings_on_stores(auth: Auth, around: Callable[[], Any] | None) -> Iterator[Finding]:
    """What is found about each store that a verifier of `auth` asks.

    Args:
        auth: the engine.
        around: makes the context in which stores of the application run; None for none.
    """
    seen: list[object] = []
    for scheme in auth.schemes:
        for verifier in verifiers_in(scheme.verifier):
            for store in vars(verifier).values() if hasattr(verifier, "__dict__") else ():
                if not callable(store) and _probe_of(store) is not None and not any(store is each for each in seen):
                    seen.append(store)
                    yield from _of_store(store, around)


def _probe_of(store: object) -> tuple[str, tuple[object, ...]] | None:
    if type(store).__module__ == "builtins":  # a str has a method `find` too
        return None
    return next(((name, values) for name, values in _PROBES if callable(getattr(store, name, None))), None)


def _of_store(store: Any, around: Callable[[], Any] | None) -> Iterator[Finding]:
    name = type(store).__name__
    try:
        concerns: list[str] = store.check_tables() if callable(getattr(store, "check_tables", None)) else []
    except Exception as error:  # its text may have the password of the database
        yield _failed(name, "check_tables", error)
        return
    for sentence in concerns:
        yield Finding("store", False, f"{name}: {sentence.partition(': ')[0]}", sentence.partition(": ")[2])
    if not concerns:
        yield _answer_of(store, name, around)


def _answer_of(store: Any, name: str, around: Callable[[], Any] | None) -> Finding:
    method, values = _probe_of(store) or ("find", ())
    began = time.perf_counter()
    try:
        with nullcontext() if around is None else around():
            answer: object = getattr(store, method)(*values)
            if isinstance(answer, Awaitable):
                import asyncio

                asyncio.run(_awaited(cast("Awaitable[object]", answer)))
    except Exception as error:  # its text may have parameters
        return _failed(name, method, error)
    took = time.perf_counter() - began
    words = f"{name} answers, in {took * 1000:.0f} ms"
    return (
        Finding("store", None, words, "each request waits so long") if took > _SLOW else Finding("store", True, words)
    )


def _failed(name: str, method: str, error: Exception) -> Finding:
    cause = error.__cause__
    kind = type(error).__name__ + ("" if cause is None else f" from {type(cause).__name__}")
    fix = "start the database or mend its URL; authmw db check says whether its tables are there"
    return Finding("store", False, f"{name}.{method} raised {kind}: each request that needs it is a 503", fix)


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer
