"""Methods of an application that are replaced by a function of authmw, which calls the method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

Method = Callable[..., Any]


def replace_method(app: Flask, name: str, replaced_by: Callable[[Method], Method]) -> None:
    """Replace the method `name` of `app` alone. `replaced_by` gets it; another extension may have replaced it before.

    What it returns runs on each request. So it should call as few functions as it can.
    """
    setattr(app, name, replaced_by(getattr(app, name)))


def call_as_it_is(app: Flask, function: Method) -> None:
    """Make `app` call `function`, which is not async, without a look at it: Flask would look on each request."""

    def knowing(ensure_sync: Method) -> Method:
        def ensure_others_sync(func: Method) -> Method:
            return func if func is function else ensure_sync(func)

        return ensure_others_sync

    replace_method(app, "ensure_sync", knowing)
