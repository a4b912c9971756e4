"""`@public` opens the endpoint that it was put on, and no other one of the functions that this endpoint wraps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from authmw_flask import FlaskAuth
from flask import Flask

from authmw import Auth, HTTPBearer, public
from authmw.engine.decorators import optionally_authenticated

View = Callable[..., Any]


def redacting(view: View) -> View:
    @wraps(view)
    def redacted(*args: Any, **kwargs: Any) -> str:
        return "redacted"

    return redacted


def measuring(view: View) -> View:
    @wraps(view)
    def measured(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return measured


def itself(view: View) -> View:
    return view


def demonstrating(view: View) -> View:
    return partial(view, demo=True)


def redacting_twice(view: View) -> View:
    return redacting(measuring(view))


@pytest.mark.parametrize("opened", [public, optionally_authenticated])
@pytest.mark.parametrize(
    "full, teaser",
    [
        (itself, redacting),
        (itself, demonstrating),
        (itself, redacting_twice),
        (measuring, itself),
    ],
    ids=["copied its name", "partial", "wrapped twice", "the other endpoint is wrapped"],
)
def test_a_public_endpoint_does_not_open_what_it_wraps(
    opened: Any, full: Callable[[View], View], teaser: Callable[[View], View]
) -> None:
    def view(demo: bool = False) -> str:
        return "all orders"

    app = Flask("shop")
    FlaskAuth(app, Auth(HTTPBearer()))
    app.add_url_rule("/full", "full", full(view))
    app.add_url_rule("/teaser", "teaser", opened(teaser(view)))
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/full", "/teaser")] == [401, 200]
