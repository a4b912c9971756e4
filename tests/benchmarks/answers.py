"""Whether the time of an answer tells why a login is refused: unknown or disabled, beside a wrong password; or that the
right password of the account is remembered, from the same source.

A pair is one attempt of each kind, one after the other in shuffled order, with everything kept in SQLite. The
threshold: the medians differ by no more than 3 ms or 10 %, whichever is more.
"""

from __future__ import annotations

import base64
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import authmw.wsgi
from authmw import Auth, HTTPBasic
from authmw.crypto.passwords import CHEAPEST, OWASP_MINIMUM, PasswordHasher
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.verifiers.password import PasswordVerifier
from tests.benchmarks import apps, databases
from tests.benchmarks.requests import environ, serve_wsgi

PAIRS = 60
_WARM = 5
REMEMBERED = "wrong password of an account that is remembered"
KINDS = ("wrong password", "unknown user", "disabled", REMEMBERED)
_PASSWORD = "correct horse battery staple"

Answer = tuple[str, bytes]


def report() -> None:
    """Print the medians of each kind of refusal, at the token endpoint and at Basic."""
    print(f"Equal answers: {PAIRS} interleaved pairs, SQLite; what each kind takes beside a wrong password")
    for title, profile in (("OWASP minimum", OWASP_MINIMUM), ("cheapest, so that the rest shows", CHEAPEST)):
        with closing(databases.open_sqlite()) as opened:
            hasher = PasswordHasher(profile)
            for place, ask in _places(opened.stores, hasher).items():
                _print(f"{place}, {title}", _measured(ask, Accounts(opened.stores, hasher, prefix=place)))
    print()


class Accounts:
    """An account for each attempt of each kind: of those that exist each is tried once.

    Args:
        stores: where they are made.
        hasher: makes the one hash that all have.
        prefix: what their names begin with.
    """

    def __init__(self, stores: Any, hasher: PasswordHasher, *, prefix: str) -> None:
        self._prefix = prefix.strip("/")
        stored = hasher.hash(_PASSWORD)
        for kind in KINDS:
            for number in range(PAIRS + _WARM):
                if kind == "unknown user":
                    continue
                user = stores.users.create(self.name(kind, number), _PASSWORD)
                stores.users.replace_password_hash(user.id, user.password_hash, stored)
                if kind == "disabled":
                    stores.users.disable(user.username)

    def name(self, kind: str, number: int) -> str:
        """The name of one of them."""
        return f"{self._prefix}-{kind.replace(' ', '-')}-{number}"


def _places(stores: Any, hasher: PasswordHasher) -> dict[str, Callable[[str, str, str], Answer]]:
    """What is asked with a user name and a password from a source."""
    service = TokenService(
        issuer="https://id.example", audience="orders", stores=stores, password=True, runtime=Runtime(hasher=hasher)
    )
    at_token = serve_wsgi(authmw.wsgi.Mount(service))
    verifier = PasswordVerifier(stores.users, hasher=hasher, throttle=stores.throttle)
    at_basic = serve_wsgi(apps.guarded_wsgi(Auth(HTTPBasic(verifier))))

    def token(name: str, password: str, source: str) -> Answer:
        form = urlencode({"grant_type": "password", "username": name, "password": password})
        return at_token(environ("", "", path="/token", form=form) | {"REMOTE_ADDR": source})

    def basic(name: str, password: str, source: str) -> Answer:
        value = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
        return at_basic(environ("Authorization", value) | {"REMOTE_ADDR": source})

    return {"/token": token, "Basic": basic}


def _measured(ask: Callable[[str, str, str], Answer], accounts: Accounts) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    answers: set[Answer] = set()
    shuffler = random.Random(0)
    for number in range(PAIRS + _WARM):
        for kind in shuffler.sample(KINDS, len(KINDS)):
            name = accounts.name(kind, number)
            # Each from a network of its own: what is told apart is the account.
            source = f"10.{KINDS.index(kind)}.{number}.{shuffler.randrange(256)}"
            if kind == REMEMBERED and not ask(name, _PASSWORD, source)[0].startswith("200"):
                raise SystemExit("the right password is refused")
            began = time.perf_counter()
            answer = ask(name, "wrong", source)
            seconds = time.perf_counter() - began
            answers.add(answer)
            if number >= _WARM:
                took[kind].append(seconds)
    if len(answers) != 1:
        raise SystemExit(f"the refusals are told apart by their answers: {answers}")
    return took


def _print(title: str, took: dict[str, list[float]]) -> None:
    base = statistics.median(took[KINDS[0]])
    print(f"  {title}: {KINDS[0]} {base * 1e3:.2f} ms")
    for kind in KINDS[1:]:
        median = statistics.median(took[kind])
        threshold = max(0.003, 0.1 * base)
        verdict = "within" if abs(median - base) <= threshold else "BEYOND"
        difference = (median - base) * 1e3
        print(f"    {kind:46} {median / base:6.3f} x, {difference:+7.3f} ms: {verdict} {threshold * 1e3:.1f} ms")
