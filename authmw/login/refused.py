"""Bodies of refusals that a person sees, as pages: of a 403, and of a form that is sent after the session has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authmw.http.navigation import shows_response
from authmw.http.reasons import Reason
from authmw.http.refusal import Body, Refusal, problem_json
from authmw.http.request import RequestHead
from authmw.pages import Failure, FailurePage, render, texts_of

if TYPE_CHECKING:
    from authmw.login.settings import LoginSettings

_FAILURES: Final = {
    400: Failure.BAD_REQUEST,
    401: Failure.FORM_EXPIRED,  # whoever opens a page is sent to log in, so this answers a form
    403: Failure.FORBIDDEN,
    429: Failure.TOO_MANY,
    503: Failure.UNAVAILABLE,
}


def body_of(settings: LoginSettings, refusal: Refusal, request: RequestHead) -> Body:
    """The body of `refusal`: a page for a person, in the language of the browser, and otherwise the problem document.

    Args:
        settings: those of the login pages.
        refusal: the refusal.
        request: the request that is refused.
    """
    failure = Failure.CROSS_SITE if refusal.reason is Reason.CROSS_SITE else _FAILURES.get(refusal.status)
    if failure is None or not shows_response(request):
        return problem_json(refusal)
    home = settings.home if request.path != settings.home else ""
    page = FailurePage(failure=failure, retry_after=refusal.retry_after, again_url=home)
    texts = texts_of(settings.language(request))
    document = render(page, settings.look, texts=texts, template=settings.template)
    return Body(dict(document.headers)["Content-Type"], document.content)
