"""Form requests of the endpoints, with the errors of RFC 6749 §5.2."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.http import form
from authmw.http.form import BadForm, Form
from authmw.http.request import RequestHead
from authmw.oauth2.reply import OAuthError, method_not_allowed


def read_form(request: RequestHead) -> Flow[Form | OAuthError]:
    """The form in the body of a POST. The query is never read (RFC 6749 §2.3.1)."""
    if request.method != "POST":
        return method_not_allowed("POST")
    found = yield from form.read_form(request)
    return OAuthError("invalid_request", found.description, found.status) if isinstance(found, BadForm) else found
