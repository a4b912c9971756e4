"""``make bench``: every case, with each row's ratio to its floor beside the goal, and then what is no ratio to a floor.

Each case runs in processes of its own, one after the other; one whose database does not answer is left out. ``scale``
takes minutes, and so runs only when it is named; with ``--json``, so do the reports, which are no part of the file.
``--quick`` is for trying the benchmarks themselves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import (
    adapters,
    answers,
    basic_clients,
    cases,
    event_loop,
    events,
    footprint,
    growth,
    logins,
    opaque_tokens,
    real_servers,
    remembered_passwords,
    results,
    rules,
    scale,
    sessions,
    token_endpoint,
    token_grants,
)
from tests.benchmarks.harness import USERS, Candidate, answered, measure

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
    "growth-patterns": growth.patterns_case,
    "growth-routes": growth.routes_case,
    "growth-remembered": growth.remembered_case,
    "growth-forget": growth.forget_case,
    "growth-api-keys": growth.api_keys_case,
    "growth-scopes": growth.scopes_case,
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
MEASURES: dict[str, Callable[[], results.Table]] = {
    "footprint": footprint.measured,
    "logins": logins.measured,
    "real-servers": real_servers.measured,
}
REPORTS: dict[str, Callable[[], object]] = {
    "answers": answers.report,
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
        print(json.dumps(_in_this_process(options.child, rounds=options.rounds, number=options.processes)))
        return
    processes, rounds = (1, 5) if options.quick else (options.processes, options.rounds)
    reports: list[str] = [] if options.json else [*REPORTS]
    for name in options.cases or [*CASES, *MEASURES, *reports]:
        if name in CASES:
            measured = _measured(name, processes, rounds)
        elif name in MEASURES:
            measured = _of_one_measure(name)
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


def _of_one_measure(name: str) -> results.Table | None:
    """The table of what measures itself, or None if what it needs is not there."""
    try:
        return MEASURES[name]()
    except cases.Absent as absent:
        print(f"{name}: left out, since {absent}\n")
        return None


def _in_this_process(name: str, *, rounds: int, number: int) -> dict[str, Any]:
    """What one of the processes of a case has to tell; why it is left out, if what it needs is not there."""
    try:
        case = CASES[name]()
    except cases.Absent as absent:
        return {"absent": str(absent)}
    try:
        bad = {row.label: _fate(row.candidate, case) for row in case.rows if case.bad and row.bare and not row.over}
        return {
            "title": case.title,
            "ratios": measure(case.rows, rounds=min(rounds, case.rounds), seed=number),
            "goals": {row.label: row.goal for row in case.rows},
            "bad": bad,
        }
    finally:
        case.close()


def _measured(name: str, processes: int, rounds: int) -> results.Table | None:
    """The table of a case, or None if what it needs is not there."""
    ratios: dict[str, list[float]] = {}
    told: dict[str, Any] = {}
    for number in range(processes):
        # Each in a new interpreter, so that no layout of memory is favoured.
        command = [sys.executable, "-m", "tests.benchmarks", "--child", name]
        command += ["--rounds", str(rounds), "--processes", str(number)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        if "absent" in told:
            print(f"{name}: left out, since {told['absent']}\n")
            return None
        for label, values in told["ratios"].items():
            ratios.setdefault(label, []).extend(values)
    figures = [
        results.Figure.of(label, values, goal=told["goals"].get(label, ""), bad=told["bad"].get(label, ""))
        for label, values in ratios.items()
    ]
    return results.Table.now(told["title"], figures, processes=processes, rounds=rounds)


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
        status, body = answered(candidate, number)
        if not status.startswith("200") or not case.is_right(number, body):
            raise SystemExit(f"{candidate.name} does not answer good credentials as it should: {status}")
    fates: list[str] = []
    for bad, value in case.bad.items():
        for places in case.places:
            places.instead = value
        try:
            fates.append(f"{bad} {answered(candidate, 0)[0][:3]}")
        except Exception as error:
            fates.append(f"{bad} {type(error).__name__}")
        finally:
            for places in case.places:
                places.instead = None
    return ", ".join(fates)


if __name__ == "__main__":
    main()
