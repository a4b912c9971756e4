"""What looks at the time takes a clock, as the page about testing says: no other code reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support import ROOT

# The default of all clocks, time limits of connections and the age of a response, which are real, and the clock of
# tests, which begins now.
REAL = {
    "authmw/flow/clocks.py time.time",
    "authmw/flow/clocks.py time.monotonic",
    "authmw/issuers/discovery.py monotonic",
    "authmw/testing/clock.py time.time",
    "authmw/wsgi/middleware.py monotonic",
    "adapters/authmw_sqlalchemy/postgres_connections.py monotonic",
    "adapters/authmw_sqlalchemy/sqlite.py time.monotonic",
}
READERS = {"time", "monotonic", "time.time", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow"}
WORDS = {reader.rpartition(".")[2] for reader in READERS}


def reader(node: ast.expr) -> str:
    """What reads the time, as it is written; empty for all else."""
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) if word in WORDS:  # to write all of them takes seconds
            written = ast.unparse(node)
            return written if written in READERS else ""
        case _:
            return ""


def readings() -> Iterator[str]:
    for path in [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]:
        if path.is_relative_to(ROOT / "authmw" / "cli") or path.is_relative_to(
            ROOT / "authmw" / "testing" / "contract"
        ):
            continue  # programs and tests that run now
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (found := reader(node.func)):
                yield f"{path.relative_to(ROOT)} {found}"


def test_no_code_reads_the_time_but_by_a_clock_that_it_is_given() -> None:
    assert set(readings()) == REAL


def test_every_default_of_a_clock_is_looked_up_at_each_call() -> None:
    """A default of `time.time` itself would be out of reach for freezegun in objects that were made before."""
    bound = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for default in [*node.args.defaults, *node.args.kw_defaults]
        if default is not None and reader(default) not in ("", "monotonic", "time")
    }
    assert bound == set()
