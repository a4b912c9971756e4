"""``make bench``: every case, with each row's ratio to its floor beside the goal, and then what is no ratio to a floor.

Each case runs in processes of its own, one after the other; one whose database does not answer is left out. ``scale``
takes minutes, and so runs only when it is named. ``--quick`` is for trying the benchmarks themselves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    adapters,
    answers,
    basic_clients,
    cases,
    event_loop,
    events,
    footprint,
    logins,
    opaque_tokens,
    remembered_passwords,
    results,
    rules,
    scale,
    sessions,
    token_endpoint,
    token_grants,
)
from tests.benchmarks.harness import USERS, Candidate, complete, measure

CASES: dict[str, Callable[[], cases.Case]] = {
    "jwt-hs256-remembered": lambda: cases.jwt_case("HS256", remembered=True),
    "jwt-hs256": lambda: cases.jwt_case("HS256", remembered=False),
    "jwt-rs256": lambda: cases.jwt_case("RS256", remembered=False),
    "jwt-es256": lambda: cases.jwt_case("ES256", remembered=False),
    "jwt-eddsa": lambda: cases.jwt_case("EdDSA", remembered=False),
    "adapters-remembered": lambda: adapters.jwt_case(remembered=True),
    "adapters": lambda: adapters.jwt_case(remembered=False),
    "rules": rules.case,
    "events": events.case,
    "basic": cases.basic_case,
    "digest": cases.digest_case,
    "api-key": cases.api_key_case,
    "opaque-sqlite": opaque_tokens.sqlite_case,
    "opaque-postgres": opaque_tokens.postgres_case,
    "opaque-redis": opaque_tokens.redis_case,
    "passwords-sqlite": remembered_passwords.sqlite_case,
    "passwords-postgres": remembered_passwords.postgres_case,
    "sessions": sessions.case,
    "token-rs256": lambda: token_endpoint.client_credentials_case("RS256"),
    "token-es256": lambda: token_endpoint.client_credentials_case("ES256"),
    "token-eddsa": lambda: token_endpoint.client_credentials_case("EdDSA"),
    "grants-memory": token_grants.memory_case,
    "grants-sqlite": token_grants.sqlite_case,
    "grants-postgres": token_grants.postgres_case,
    "grants-redis": token_grants.redis_case,
}
MEASURES: dict[str, Callable[[], results.Table]] = {"footprint": footprint.measured}
REPORTS: dict[str, Callable[[], object]] = {
    "answers": answers.report,
    "logins": logins.report,
    "basic-clients": basic_clients.report,
    "event-loop": event_loop.report,
}


def main() -> None:
    """Run the cases named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    every = [*CASES, *MEASURES, *REPORTS, "scale"]
    parser.add_argument("cases", nargs="*", choices=[[], *every], default=[], metavar="case", help=", ".join(every))
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="one process, five rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there too, as JSON")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="how many live tokens there are for scale")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        case = CASES[options.child]()
        try:
            print(json.dumps(measure(case.rows, rounds=min(options.rounds, case.rounds), seed=options.processes)))
        finally:
            case.close()
        return
    processes, rounds = (1, 5) if options.quick else (options.processes, options.rounds)
    for name in options.cases or [*CASES, *MEASURES, *REPORTS]:
        if name in CASES:
            measured = _measured(name, processes, rounds)
        elif name in MEASURES:
            measured = MEASURES[name]()
        elif name == "scale":
            scale.report(options.tokens)
            continue
        else:
            REPORTS[name]()
            continue
        if measured is not None:
            _print(measured)
            if options.json:
                results.add(options.json, name, measured)


def _measured(name: str, processes: int, rounds: int) -> results.Table | None:
    """The table of a case, or None if what it needs is not there."""
    try:
        case = CASES[name]()
    except cases.Absent as absent:
        print(f"{name}: left out, since {absent}\n")
        return None
    try:
        return results.Table.now(
            case.title, _figures(case, name, processes, rounds), processes=processes, rounds=rounds
        )
    finally:
        case.close()


def _figures(case: cases.Case, name: str, processes: int, rounds: int) -> list[results.Figure]:
    ratios: dict[str, list[float]] = {}
    for number in range(processes):
        # Each in a new interpreter, so that no layout of memory is favoured.
        command = [sys.executable, "-m", "tests.benchmarks", "--child", name]
        command += ["--rounds", str(rounds), "--processes", str(number)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        for label, values in json.loads(output).items():
            ratios.setdefault(label, []).extend(values)
    figures: list[results.Figure] = []
    for row in case.rows:
        bad = _fate(row.candidate, case) if row.bare and not row.over else ""
        figures.append(results.Figure.of(row.label, ratios.pop(row.label), goal=row.goal, bad=bad))
    return [*figures, *(results.Figure.of(label, values) for label, values in ratios.items())]


def _print(table: results.Table) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in table.versions.items())
    print(f"{table.title}\n  {table.python}; {versions}")
    print(f"  {table.processes} processes of {table.rounds} rounds; median [p10..p90] of ratios taken inside a round")
    for figure in table.figures:
        goal = f"goal {figure.goal:g}{' MISSED' if figure.misses else ''}" if figure.goal is not None else ""
        spread = f"{figure.median:8.3f}  [{figure.low:.3f}..{figure.high:.3f}]"
        print(f"  {figure.label:32} {spread}  {goal:18} {figure.bad}")
    print()


def _fate(candidate: Candidate, case: cases.Case) -> str:
    """What the candidate does with bad credentials, once it has accepted the good ones as somebody."""
    for number in range(0, USERS, 7):
        status, body = _call(candidate, number)
        if not status.startswith("200") or not case.is_right(number, body):
            raise SystemExit(f"{candidate.name} does not answer good credentials as it should: {status}")
    fates: list[str] = []
    for bad, value in case.bad.items():
        for places in case.places:
            places.instead = value
        try:
            fates.append(f"{bad} {_call(candidate, 0)[0][:3]}")
        except Exception as error:
            fates.append(f"{bad} {type(error).__name__}")
        finally:
            for places in case.places:
                places.instead = None
    return ", ".join(fates)


def _call(candidate: Candidate, number: int) -> tuple[str, bytes]:
    made = candidate.make(number)
    answer: tuple[str, bytes] = complete(candidate.serve(made)) if candidate.is_async else candidate.serve(made)
    return answer


if __name__ == "__main__":
    main()
