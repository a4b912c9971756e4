"""The table of cases through every interface: the same status, challenges and body, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.contract import apps
from tests.contract.cases import CASES, Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

IN_PROCESS = [case for case in CASES if not case.needs_socket]


@cache
def _asker(interface: str) -> Callable[[Case], Answer]:
    match interface:
        case "wsgi":
            wsgi = apps.make_wsgi()
            return lambda case: ask_wsgi(wsgi, case)
        case "asgi":
            asgi = apps.make_asgi()
            return lambda case: ask_asgi(asgi, case)
        case _:
            fastapi = apps.make_fastapi()
            return lambda case: ask_asgi(fastapi, case)


@pytest.mark.parametrize("case", IN_PROCESS, ids=lambda case: case.id)
@pytest.mark.parametrize("interface", ["wsgi", "asgi", "fastapi"])
def test_the_contract_is_kept_to_the_byte(interface: str, case: Case) -> None:
    assert _asker(interface)(case) == case.answer


def test_every_case_has_an_id_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
