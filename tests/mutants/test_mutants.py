"""The command that makes mutants: which mistakes it makes, and what it says of the survivors that may live."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.__main__ import ACCEPTED, DECIDING, read_accepted, sample, sources
from tests.mutants.mutations import Mutant, mutants_of, planted
from tests.mutants.report import Report, interval
from tests.mutants.session import KILLED, SURVIVED, TIMED_OUT, UNTESTED, Result
from tests.support import ROOT


def made(source: str) -> set[str]:
    return {mutant.after for mutant in mutants_of("it.py", source)}


@pytest.mark.parametrize(
    "source, after",
    [
        ("x = a == b", {"x = a != b"}),
        ("x = a < 1", {"x = a <= 1", "x = a >= 1", "x = a < 2", "x = a < 0"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a and b and c", {"x = a or b or c", "x = b and c", "x = a and c", "x = a and b"}),
        ("x = not a", {"x = a"}),
        ("x = a if b else c", {"x = a", "x = c"}),
        ("x = True", {"x = False"}),
        ("x = a + b", {"x = a - b"}),
        ("x = 'a'", {"x = 'XXa'"}),
        ("x = a.lower()", {"x = a"}),
        ("x = all(a)", {"x = any(a)"}),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x = [a for a in b if a]", {"x = [a for a in b]"}),
        ("f(a)", {"pass"}),
        ("a.b = c", {"pass"}),
        ("raise E from None", {"pass"}),
        ("def f():\n    return a", {"return None"}),
        ("def f():\n    return False", {"return True"}),
        ("ClientAuthMethod = Literal['a']", {"ClientAuthMethod = Literal['XXa']"}),
        ("def f():\n    yield from g()", {"pass"}),
        ("if a:\n    b = c", {"if True:", "if False:"}),
        ("@d(x=True)\ndef f(): ...", {"@d(x=False)\ndef f():\n    ...", "@d()\ndef f():\n    ..."}),
    ],
)
def test_each_mistake_is_made(source: str, after: set[str]) -> None:
    assert {text.removesuffix("\n    ...") for text in made(source)} == {
        text.removesuffix("\n    ...") for text in after
    }


@pytest.mark.parametrize(
    "source",
    [
        '"""A text."""',
        "x = 'two words'",
        "x = f'{a}b'",
        "import a",
        "__all__ = ['a']",
        "if TYPE_CHECKING:\n    x = 1",
        "class P(Protocol):\n    def f(self): return 1",
        "logger.warning('a', 1)",
        "x: Final[Literal['a']] = y",
        "def f(a: 'b') -> 'c': pass",
        "x = cast('a', b)",
        "assert a == b",
        "x = f(slots=True, detail='a')",
        "@dataclass(frozen=True, slots=True, kw_only=True)\nclass A: pass",
        "Place = Literal['a', 'b'] | None",
    ],
)
def test_what_no_test_could_notice_is_left_alone(source: str) -> None:
    assert made(source) == set()


@pytest.mark.parametrize(
    "body, after",
    [
        ("t = a or 'b'\n    return Rejected(R, t)", {"return None"}),
        (
            "t = a or 'b'\n    return Rejected(R, f'is {t}'), t",
            {"t = a", "t = 'b'", "t = a and 'b'", "t = a or 'XXb'", "return None"},
        ),
        (
            "t = yield a or 'b'\n    logger.info(t)",
            {"t = (yield a)", "t = (yield 'b')", "t = (yield (a and 'b'))", "t = (yield (a or 'XXb'))"},
        ),
        ("raise ValueError(a or 'b')", {"pass"}),
        (
            "raise HTTPError(a or 'b')",
            {
                "pass",
                "raise HTTPError(a)",
                "raise HTTPError('b')",
                "raise HTTPError(a and 'b')",
                "raise HTTPError(a or 'XXb')",
            },
        ),
        ("t = a == b\n    f(t, detail=t)", {"t = a != b", "pass"}),
        ("t = a == b\n    f(detail=t)", {"pass"}),
    ],
)
def test_text_for_people_is_left_alone_wherever_it_is_made(body: str, after: set[str]) -> None:
    assert made(f"def function():\n    {body}") == after


SOURCE = """
LIMIT = 1


class A:
    flag = True

    @property
    def m(self, n=2):
        def inner(x):
            return x == 1

        if (
            n
            and inner
        ):
            return n
"""


def test_a_mutant_tells_where_it_is_and_when_it_is_read() -> None:
    found = {(m.where, m.before.splitlines()[0], m.lines, m.at_import) for m in mutants_of("it.py", SOURCE)}
    assert found == {
        ("", "LIMIT = 1", (2, 2), True),
        ("A", "flag = True", (6, 6), True),
        ("A", "@property", (9, 9), True),
        ("A.m.inner", "return x == 1", (11, 11), False),
        ("A.m", "if n and inner:", (13, 16), False),
        ("A.m", "return n", (17, 17), False),
    }


def test_a_mutant_is_planted_alone_and_on_the_lines_of_the_source() -> None:
    for mutant in mutants_of("it.py", SOURCE):
        tree = planted(SOURCE, mutant.index)
        compile(tree, "it.py", "exec")
        assert ast.dump(tree) != ast.dump(ast.parse(SOURCE))
        lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        assert set(lines) <= {node.lineno for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.stmt)}


def test_the_modules_that_decide_are_there() -> None:
    for pattern in DECIDING:
        assert list(ROOT.glob(pattern)) != [], pattern
    assert "authmw/crypto/key.py" in sources([])
    assert sources(["authmw/crypto/jose/strict_json.py"]) == ["authmw/crypto/jose/strict_json.py"]


def test_each_accepted_survivor_has_a_reason_and_is_in_a_module_that_decides() -> None:
    assert read_accepted(ACCEPTED, [])[1] == []
    assert {key[0] for key in read_accepted(ACCEPTED, [])[0]} <= set(sources([]))


def test_every_accepted_survivor_is_a_mutant_of_its_source() -> None:
    # The command tells it too, but it is not run before each merge.
    paths = {key[0] for key in read_accepted(ACCEPTED, [])[0]}
    mutants = [mutant for path in sorted(paths) for mutant in mutants_of(path, (ROOT / path).read_text())]
    assert read_accepted(ACCEPTED, mutants)[1] == []


def survivor(**changes: str) -> str:
    entry = {
        "path": "authmw/it.py",
        "where": "",
        "before": "x = 1",
        "after": "x = 2",
        "kind": "tuning",
        "why": "it is a size",
        **changes,
    }
    return "[[survivor]]\n" + "\n".join(f"{name} = {value!r}" for name, value in entry.items())


MUTANT = Mutant("authmw/it.py", 0, "", "x = 1", "x = 2", (1, 1), at_import=True)


@pytest.mark.parametrize(
    "changes, said",
    [({"kind": "luck"}, "needs a kind"), ({"why": ""}, "needs a kind"), ({"before": "x = 7"}, "is no mutant any more")],
)
def test_a_wrong_entry_is_told(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text(survivor(**changes))
    (mistake,) = read_accepted(path, [MUTANT])[1]
    assert said in mistake
    path.write_text(survivor(path="other.py", **{name: text for name, text in changes.items() if name == "before"}))
    assert read_accepted(path, [MUTANT])[1] == []


@pytest.mark.parametrize(
    "outcome, accepted, status, said",
    [
        (KILLED, None, 0, "1 1 1 0 0 0 0 100.0% (95 % interval 20.7% to 100.0%)"),
        (TIMED_OUT, None, 0, "1 of the killed took too long."),
        (SURVIVED, None, 1, "1 1 0 0 0 0 1 0.0% (95 % interval 0.0% to 79.3%)"),
        (UNTESTED, None, 1, "1 1 0 0 0 0 1 0.0% (95 % interval 0.0% to 79.3%)"),
        (SURVIVED, "tuning", 0, "1 1 0 0 1 0 0 -"),
        (KILLED, "tuning", 0, "accepted, but killed by t"),
    ],
)
def test_a_survivor_that_nobody_accepted_is_a_failure(
    outcome: str, accepted: str | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report({MUTANT.key: accepted} if accepted else {}, [MUTANT])
    report.add(Result(MUTANT, outcome, 1, 0, "t"))
    assert report.summary() == status
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "successes, tried, expected",
    [(9, 10, (0.5958, 0.9821)), (0, 10, (0.0, 0.2775)), (190, 200, (0.9104, 0.9726)), (0, 0, (0.0, 1.0))],
)
def test_a_rate_says_how_far_it_can_be_trusted(successes: int, tried: int, expected: tuple[float, float]) -> None:
    assert interval(successes, tried) == pytest.approx(expected, abs=0.0001)


def mutants_in(room: str, count: int) -> list[Mutant]:
    return [Mutant(f"authmw/{room}/it.py", n, "", f"x = {n}", "x = 7", (n, n), at_import=True) for n in range(count)]


def test_a_sample_is_chosen_by_its_seed_over_all_or_in_each_room() -> None:
    found = [*mutants_in("http", 90), *mutants_in("flow", 10)]
    chosen = sample(found, 5, 1, by_room=True)
    assert [mutant.path.split("/")[1] for mutant in chosen] == ["http"] * 5 + ["flow"] * 5
    assert chosen == sample(found, 5, 1, by_room=True)
    assert chosen != sample(found, 5, 2, by_room=True)
    assert len(sample(found, 5, 1, by_room=False)) == 5
    assert sample(found, 100, 1, by_room=False) == found


@pytest.mark.parametrize("tried, said", [({"http": 90, "flow": 10}, True), ({"http": 10, "flow": 10}, False)])
def test_a_rate_of_all_rooms_is_told_only_where_each_has_its_share(
    tried: dict[str, int], said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report({}, [*mutants_in("http", 90), *mutants_in("flow", 10)])
    for room, count in tried.items():
        for mutant in mutants_in(room, count):
            report.add(Result(mutant, KILLED, 1, 0, "t"))
    report.summary()
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("all "))
    assert ("100.0%" in line) == said
