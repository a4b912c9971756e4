"""The table of cases through every interface: the same status, challenges and body, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.contract import apps
from tests.contract.cases import CASES, Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

IN_PROCESS = [case for case in CASES if not case.needs_socket]


INTERFACES: dict[str, Callable[[], Callable[[Case], Answer]]] = {
    "wsgi": lambda: partial(ask_wsgi, apps.make_wsgi()),
    "flask": lambda: partial(ask_wsgi, apps.make_flask()),
    "asgi": lambda: partial(ask_asgi, apps.make_asgi()),
    "starlette": lambda: partial(ask_asgi, apps.make_starlette()),
    "fastapi": lambda: partial(ask_asgi, apps.make_fastapi()),
    "fastapi-behind-asgi": lambda: partial(ask_asgi, apps.make_fastapi_behind_asgi()),
}


@cache
def _asker(interface: str) -> Callable[[Case], Answer]:
    return INTERFACES[interface]()


@pytest.mark.parametrize("case", IN_PROCESS, ids=lambda case: case.id)
@pytest.mark.parametrize("interface", INTERFACES)
def test_the_contract_is_kept_to_the_byte(interface: str, case: Case) -> None:
    assert _asker(interface)(case) == case.answer


def test_every_case_has_an_id_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
