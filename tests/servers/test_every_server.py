"""The table of cases over real sockets: every server gives the answers of the contract."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.contract.cases import ALICE_BY_KEY, CASES, MISSING_FOR_ORDERS, Answer, Case
from tests.contract.clients import answer_of
from tests.servers.running import SERVERS, Reply, Serve, exchange, raw_request

pytestmark = pytest.mark.servers

REFUSALS_OF_SERVERS = {400, 431}

DIFFERENCES: Mapping[str, Mapping[str, Answer]] = {
    "granian-wsgi": {
        # It hands on an empty value in the place of one that is not ASCII.
        "bearer-utf-8": MISSING_FOR_ORDERS,
        "bearer-bytes": MISSING_FOR_ORDERS,
        # It hands X_API_Key on as HTTP_X_API_KEY, as CGI would: no WSGI application can tell it from X-API-Key.
        "key-under-an-underscore-name": ALICE_BY_KEY,
    }
}
"""What a server does to a request before we see it. Everything else is as in the table."""


def _ask(port: int, case: Case) -> Answer | str:
    headers = [*case.headers, (b"Connection", b"close")]
    try:
        reply = exchange(port, raw_request(case.method, case.target, headers), method=case.method)
    except OSError as error:  # a server may hang up on what it cannot read
        return f"server hung up: {error}"
    if _is_the_server_s_own(reply):
        return "refused by the server"
    return answer_of(reply.status, reply.headers, reply.body)


def _is_the_server_s_own(reply: Reply) -> bool:
    return reply.status in REFUSALS_OF_SERVERS and b'"code":"authmw.' not in reply.body


@pytest.mark.parametrize("server", SERVERS)
def test_every_case_is_answered_alike_over_real_sockets(server: str, serve: Serve) -> None:
    port = serve(server, "tests.contract.apps")
    answers = {case.id: _ask(port, case) for case in CASES}
    expected = {case.id: case.answer for case in CASES} | dict(DIFFERENCES.get(server, {}))
    refusable = {case.id for case in CASES if case.may_be_refused_by_server}
    wrong = {
        id: (answer, expected[id])
        for id, answer in answers.items()
        if answer != expected[id] and not (isinstance(answer, str) and id in refusable)
    }
    assert not wrong
