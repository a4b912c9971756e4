"""Every example in a docstring runs."""

from __future__ import annotations

import doctest
import importlib
import linecache

import pytest

from tests.support import ROOT

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """Every module that ships, but for ``__main__``: importing that would run the command."""
    files = [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    dotted = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.stem != "__main__"}
    return sorted(name.removeprefix("adapters.").removesuffix(".__init__") for name in dotted)


@pytest.mark.parametrize("name", modules())
def test_the_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A runner makes a debugger, which looks for changes in each file whose lines are kept: thousands, by now.
    monkeypatch.setattr(linecache, "cache", {})
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS)
    report: list[str] = []
    for example in finder.find(importlib.import_module(name), name):
        runner.run(example, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_some_examples_were_found() -> None:
    name = "authmw.identity.credentials"
    found = doctest.DocTestFinder().find(importlib.import_module(name), name)
    assert any(example.examples for example in found)
