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
