"""Methods of an application that call a function of authmw first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from flask import Flask


def call_before(app: Flask, name: str, function: Callable[[], None]) -> None:
    """Make `app` call `function` before its method `name`, which another extension may have replaced."""
    replaced: Callable[..., Any] | None = vars(app).get(name)
    of_class: Callable[..., Any] = getattr(type(app), name)
    itself = ref(app)  # no cycle: the application holds the function

    def method(*args: Any) -> Any:
        function()
        return of_class(itself(), *args) if replaced is None else replaced(*args)

    setattr(app, name, method)
