"""Token for the forms of an application's own pages."""

from __future__ import annotations

from authmw.engine.context import call_here


def csrf_token() -> str:
    """The token for a form of the page that is being made: of the browser session of its caller.

    Put it into the field ``csrf_token``, or let scripts send it as ``X-CSRF-Token``. The guard asks for it where no
    header of the browser tells which page caused a request that may change something. It is a new text each time, and
    all of them are good as long as the session lives.

    It is empty outside of a request, for a caller without a session, and where the `Auth` has no `Session`.

    >>> csrf_token()
    ''
    """
    call = call_here()
    tokens = () if call is None else (scheme.form_token(call.request) for scheme in call.auth.schemes)
    return next(filter(None, tokens), "")
