"""The table of cases through every interface: the same status, challenges and body, to the byte.

All of it through plain WSGI and ASGI. How a credential is read is the core's, from the head that their middleware
makes; the adapters of the frameworks are under it, and get the rows of outcomes, methods and paths.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.contract import apps
from tests.contract.cases import CASES, OUTCOMES, PATHS, Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.contract.django_project import ask_service

PLAIN = ("wsgi", "asgi")
INTERFACES: dict[str, Callable[[], Callable[[Case], Answer]]] = {
    "wsgi": lambda: partial(ask_wsgi, apps.make_wsgi()),
    "flask": lambda: partial(ask_wsgi, apps.make_flask()),
    "asgi": lambda: partial(ask_asgi, apps.make_asgi()),
    "starlette": lambda: partial(ask_asgi, apps.make_starlette()),
    "fastapi": lambda: partial(ask_asgi, apps.make_fastapi()),
    "fastapi-behind-asgi": lambda: partial(ask_asgi, apps.make_fastapi_behind_asgi()),
    "django": lambda: ask_service("wsgi"),
    "django-asgi": lambda: ask_service("asgi"),
}


@cache
def _asker(interface: str) -> Callable[[Case], Answer]:
    return INTERFACES[interface]()


@pytest.mark.parametrize(
    "interface, case",
    [
        pytest.param(interface, case, id=f"{interface}-{case.id}")
        for interface in INTERFACES
        for case in (CASES if interface in PLAIN else OUTCOMES + PATHS)
        if not case.needs_socket
    ],
)
def test_the_contract_is_kept_to_the_byte(interface: str, case: Case) -> None:
    assert _asker(interface)(case) == case.answer


def test_every_case_has_an_id_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
