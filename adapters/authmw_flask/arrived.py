"""Request head as it arrived in Flask, after layers inside of the guard and functions that run before the view."""

from __future__ import annotations

from flask import Request

from authmw.http.request import WSGIRequest


def arrived_head(current: Request) -> WSGIRequest:
    """The head of `current`, with the method by which Flask calls a view: a program may replace it.

    Args:
        current: Flask's request.
    """
    head = WSGIRequest(current.environ)
    head.method = current.method
    return head
