"""The page about performance says what was measured, and nothing else."""

from __future__ import annotations

import ast
import doctest
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import page, results
from tests.benchmarks.results import Figure, Table


def table(*figures: Figure) -> Table:
    return Table("JWT, first seen: overhead / jwt.decode", 3, 40, "CPython 3", {"PyJWT": "2.15.1"}, figures)


def test_the_page_is_made_of_the_numbers() -> None:
    assert page.PAGE.read_text() == page.page(page.TEMPLATE.read_text(), results.read(page.NUMBERS))


def test_every_case_that_was_measured_is_shown() -> None:
    template = page.TEMPLATE.read_text()
    assert [name for name in results.read(page.NUMBERS) if f"{{{{table {name}}}}}" not in template] == []


def test_every_case_that_the_benchmarks_measure_has_its_place() -> None:
    # Read as text: what it imports is installed for the benchmarks only.
    module = ast.parse(page.TEMPLATE.with_name("__main__.py").read_text())
    tables = {
        target.id: ast.literal_eval(ast.List([key for key in node.value.keys if key is not None], ast.Load()))
        for node in module.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)
        for target in [node.target]
        if isinstance(target, ast.Name)
    }
    template = page.TEMPLATE.read_text()
    assert "jwt-hs256" in tables["CASES"]
    assert [name for name in tables["CASES"] + tables["MEASURES"] if f"{{{{table {name}}}}}" not in template] == []


def test_a_bar_in_a_label_ends_no_cell() -> None:
    assert "| Session \\| HTTPBearer | 50 |" in page.page(
        "{{table a}}\n", {"a": table(Figure("Session | HTTPBearer", 50, 50, 50))}
    )


def test_what_was_measured_once_has_no_spread() -> None:
    assert "| x | 50 |" in page.page("{{table a}}\n", {"a": table(Figure("x", 50, 50, 50))})


def test_a_unit_is_written_out_and_a_comparison_is_no_bar() -> None:
    figures = [Figure("uvicorn [1/s]", 900, 0, 0), Figure("a - raw [us]", 3, 0, 0), Figure("F1 [us]", 9, 0, 0)]
    made = page.page("{{table a}}\n", {"a": table(*figures)})
    assert "| uvicorn (requests per second) | 900 " in made
    assert "| a - raw (µs) | 3 " in made
    assert "F1" not in made
    bars = page.page("{{chart a}}\n", {"a": table(Figure("authmw, X", 1, 0, 0), Figure("authmw, X / peer", 2, 0, 0))})
    assert "x-axis [authmw X]" in bars


def test_a_goal_that_is_missed_is_called_so() -> None:
    made = page.page("{{table a}}\n", {"a": table(Figure("x", 0.5, 0.4, 0.6, 0.3), Figure("y", 0.2, 0.1, 0.3, 0.3))})
    assert "| x | 0.5 [0.4 to 0.6] | 0.3, **missed** |" in made
    assert "| y | 0.2 [0.1 to 0.3] | 0.3 |" in made


def test_a_case_that_was_not_measured_stops_the_page() -> None:
    with pytest.raises(KeyError):
        page.page("{{table b}}\n", {"a": table()})


def test_bars_are_what_a_user_may_choose() -> None:
    others = [Figure(name, 0.1, 0, 0) for name in ("dict lookup", "F1 [us]", "flattened by hand, raw WSGI")]
    figures = [Figure("authmw, raw WSGI", 0.5, 0, 0), *others]
    made = page.page("{{chart a}}\n", {"a": table(*figures)})
    assert "x-axis [authmw WSGI]\n" in made
    assert '  y-axis "times jwt.decode" 0 --> 0.53\n' in made
    assert "  bar [0.5]\n" in made


def test_the_drawings_have_room_for_the_names_of_the_bars() -> None:
    axes = re.findall(r"^  x-axis \[(.+)\]$", page.PAGE.read_text(), re.MULTILINE)
    assert len(axes) >= 3
    assert [name for axis in axes for name in axis.split(", ") if len(name) > 22] == []


def test_a_figure_is_the_median_with_its_spread() -> None:
    found = Figure.of("x", [3.0, 1.0, 2.0, 10.0], goal="2.4")
    assert (found.median, found.low, found.high, found.misses) == (2.5, 1.0, 10.0, True)
    assert not Figure.of("x", [2.0], goal="2").misses


def test_a_case_that_is_measured_again_takes_its_place(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    results.add(file, "a", table(Figure("x", 1, 1, 1)))
    results.add(file, "b", table(Figure("x", 2, 2, 2)))
    results.add(file, "a", table(Figure("x", 3, 3, 3)))
    assert results.read(file) == {"a": table_of(3), "b": table_of(2)}
    assert list(json.loads(file.read_text())) == ["a", "b"]


def table_of(value: float) -> Table:
    return replace(table(), figures=[Figure("x", value, value, value)])


def test_the_examples_of_the_page_run() -> None:
    assert doctest.testmod(page).failed == 0
