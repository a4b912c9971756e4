"""``python -m tests.mutants``: make mistakes in the modules that decide, one at a time, and see which no test notices.

A mutant that no test notices is a survivor. The file accepted.toml has those that may live, each with its reason.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.report import KINDS, Report, room_of
from tests.mutants.stages import run, run_in_stages
from tests.support import ROOT

DECIDING: Final = (
    "authmw/crypto/**/*.py",
    "authmw/engine/**/*.py",
    "authmw/flow/*.py",
    "authmw/http/*.py",
    "authmw/identity/*.py",
    "authmw/issuers/*.py",
    "authmw/issuers/fetching/*.py",
    "authmw/issuers/introspection/*.py",
    "authmw/issuers/keys/*.py",
    "authmw/login/*.py",
    "authmw/oauth2/*.py",
    "authmw/schemes/*.py",
    "authmw/stores/**/*.py",
    "authmw/verifiers/*.py",
    "authmw/asgi/*.py",
    "authmw/wsgi/*.py",
)
"""The modules that decide who is let in."""
ACCEPTED: Final = ROOT / "tests" / "mutants" / "accepted.toml"


def main() -> int:
    """Run mutants as the command line says; 1 if a survivor is not accepted, or an accepted one is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "modules",
        nargs="*",
        metavar="module",
        help="a file, its line or lines (file:7-9), or a folder; default: what decides",
    )
    parser.add_argument("--count", type=int, default=200, help="how many mutants at most, 0 for all (default: 200)")
    parser.add_argument("--by-room", action="store_true", help="that many of each room")
    parser.add_argument("--seed", type=int, default=0, help="chooses which (default: 0)")
    parser.add_argument("--since", metavar="REV", help="only in lines that have changed since this commit")
    parser.add_argument(
        "--tests",
        nargs="*",
        metavar="PATH",
        help="the tests to run (default: those of the room, then all on what these do not notice)",
    )
    parser.add_argument("--near", action="store_true", help="only the tests of the room: faster, and more live")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at the same time (default: 2)")
    parser.add_argument("--seconds", type=float, default=60, help="for the tests of one mutant (default: 60)")
    options = parser.parse_args()

    modules, spans = _named(options.modules)
    found = [mutant for path in sources(modules) for mutant in mutants_of(path, (ROOT / path).read_text())]
    accepted, mistakes = read_accepted(ACCEPTED, found)
    found = [each for each in found if _is_in(each, spans.get(each.path, []))]
    if options.since:
        changed = {path: _changed(options.since, path) for path in {mutant.path for mutant in found}}
        found = [each for each in found if changed[each.path].intersection(range(each.lines[0], each.lines[1] + 1))]
    chosen = sample(found, options.count or len(found), options.seed, by_room=options.by_room)
    print(f"{len(chosen)} of {len(found)} mutants, seed {options.seed}", flush=True)
    report = Report(accepted, found)
    settings = (options.jobs, options.seconds, report.add)
    if options.tests:
        code = run(chosen, tuple(options.tests), *settings)
    else:
        code = run_in_stages(chosen, accepted, *settings, near=options.near)
    if code:
        return code
    for mistake in mistakes:
        print(mistake)
    return report.summary() or bool(mistakes)


def sample(found: list[Mutant], count: int, seed: int, *, by_room: bool) -> list[Mutant]:
    """So many of the mutants, chosen at random, or so many of each room."""
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in found:
        groups[room_of(mutant) if by_room else ""].append(mutant)
    chosen: set[Mutant] = set()
    for group in groups.values():
        chosen.update(random.Random(seed).sample(group, min(count, len(group))))
    return [mutant for mutant in found if mutant in chosen]


def read_accepted(path: Path, mutants: list[Mutant]) -> tuple[dict[tuple[str, ...], str], list[str]]:
    """The kinds of the accepted survivors, and what is wrong with the list: an entry has a kind, a reason and a mutant.

    Args:
        path: of the list.
        mutants: all mutants of some sources. An entry of one of these sources names one of them.
    """
    sources, keys = {mutant.path for mutant in mutants}, {mutant.key for mutant in mutants}
    accepted: dict[tuple[str, ...], str] = {}
    mistakes: list[str] = []
    for entry in tomllib.loads(path.read_text()).get("survivor", []):
        key = tuple(str(entry.get(name, "")) for name in ("path", "where", "before", "after"))
        if entry.get("kind") not in KINDS or not entry.get("why"):
            mistakes.append(f"accepted.toml: {key} needs a kind ({', '.join(KINDS)}) and a why")
        elif key[0] in sources and key not in keys:
            mistakes.append(f"accepted.toml: {key} is no mutant any more: the statement has changed")
        accepted[key] = str(entry.get("kind", ""))
    return accepted, mistakes


def sources(named: list[str]) -> list[str]:
    """The paths of the sources to mutate: those that are named, or else those that decide."""
    paths = [path for pattern in DECIDING for path in ROOT.glob(pattern)]
    if named:
        places = [(Path.cwd() / name).resolve() for name in named]
        paths = [path for place in places for path in ([place] if place.is_file() else place.rglob("*.py"))]
    return sorted({str(path.relative_to(ROOT)) for path in paths})


def _named(modules: list[str]) -> tuple[list[str], dict[str, list[range]]]:
    """The files and folders that are named, and by their paths the lines of those that are named with lines."""
    spans: dict[str, list[range]] = defaultdict(list)
    places: list[str] = []
    for name in modules:
        place, _, lines = name.partition(":")
        first, _, last = lines.partition("-")
        places.append(place)
        if lines:
            path = str((Path.cwd() / place).resolve().relative_to(ROOT))
            spans[path].append(range(int(first), int(last or first) + 1))
    return places, spans


def _is_in(mutant: Mutant, spans: list[range]) -> bool:
    """Whether a mutant is in one of these ranges of lines; in any if there are none."""
    first, last = mutant.lines
    return not spans or any(first < span.stop and last >= span.start for span in spans)


def _changed(revision: str, path: str) -> set[int]:
    """The lines of a file that have changed since a commit, or since a branch began at it."""
    command = ["git", "diff", "--merge-base", "--unified=0", revision, "--", path]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    spans = re.findall(r"^@@ \S+ \+(\d+)(?:,(\d+))? @@", shown, re.MULTILINE)
    return {int(first) + n for first, count in spans for n in range(int(count or 1))}


if __name__ == "__main__":
    raise SystemExit(main())
