"""Each refusal is one record of the log, whose code stands for the one that the client sees."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from authmw import Reason
from tests.contract.apps import make_asgi, make_wsgi
from tests.contract.cases import CASES
from tests.contract.clients import ask_asgi, ask_wsgi

PUBLIC_CODES = {reason.code: reason.public_code for reason in Reason}


@pytest.mark.parametrize("ask, app", [(ask_wsgi, make_wsgi()), (ask_asgi, make_asgi())], ids=["wsgi", "asgi"])
def test_each_refusal_is_logged_once_with_a_code_that_stands_for_what_the_client_sees(
    ask: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authmw.audit")
    seen: set[str] = set()
    for case in CASES:
        if case.needs_socket or not case.answer.body.startswith(b"{"):
            continue
        caplog.clear()
        told = json.loads(ask(app, case).body)["code"]
        logged = [vars(record)["authmw"]["code"] for record in caplog.records if record.name == "authmw.audit"]
        assert [PUBLIC_CODES[code] for code in logged] == [told], case.id
        seen.update(logged)
    assert len(seen) > 12
