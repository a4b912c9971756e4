"""Events of authmw as signals of Flask."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_flask import FlaskAuth, requires_scopes, signal
from flask import Flask

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from authmw.events import Event


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")

    def alice(token: str) -> Principal | None:
        return Principal("alice") if token == "good" else None

    FlaskAuth(app, Auth(HTTPBearer(alice)))

    @app.get("/orders")
    def orders() -> str:
        return "orders"

    @app.get("/reports")
    @requires_scopes("reports")
    def reports() -> str:
        return "reports"

    return app


def ask(app: Flask, path: str, token: str) -> int:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def test_receivers_are_told_by_name(app: Flask) -> None:
    seen: list[tuple[object, str, Any]] = []

    def note(sender: object, event: Event) -> None:
        seen.append((sender, event.name, event.fields().get("code")))

    with signal("refused").connected_to(note), signal("authenticated").connected_to(note):
        assert (ask(app, "/orders", "good"), ask(app, "/orders", "bad")) == (200, 401)
        assert ask(app, "/reports", "good") == 403
    assert [each[1:] for each in seen] == [
        ("authenticated", None),
        ("refused", "authmw.token-unknown"),
        ("authenticated", None),
        ("refused", "authmw.scope-missing"),
    ]
    assert seen[3][0] is app  # a view was refused: its application is the sender
    assert ask(app, "/orders", "bad") == 401
    assert len(seen) == 4


def test_a_receiver_that_raises_harms_no_request(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail(sender: object, event: Event) -> None:
        raise KeyError("t0ken")

    with signal("refused").connected_to(fail):
        assert [ask(app, "/orders", "bad"), ask(app, "/orders", "good")] == [401, 200]
    (message,) = [record.getMessage() for record in caplog.records if record.name == "authmw.events"]
    assert "raised KeyError" in message
    assert f"{__file__}:" in message
    assert "t0ken" not in message


def test_a_typo_is_refused_with_the_name() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'refused'"):
        signal("refusd")
    with pytest.raises(ConfigurationError, match="authenticated, issuer_unreachable"):
        signal("x")
