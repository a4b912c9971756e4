"""Pages for what did not work: refused, not found, not available."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from authmw.pages.languages.texts import Texts
from authmw.pages.markup import joined
from authmw.pages.parts import Body, button_link, lead
from authmw.pages.problems import throttled


class Failure(Enum):
    """What did not work."""

    BAD_REQUEST = "bad-request"
    """400: the request is malformed."""
    FORM_EXPIRED = "form-expired"
    """400: the form token is too old, or belongs to another session."""
    CROSS_SITE = "cross-site"
    """403: a page of another site sent the form."""
    FORBIDDEN = "forbidden"
    """403: the user is known, and has no permission."""
    NOT_FOUND = "not-found"
    """404."""
    TOO_MANY = "too-many"
    """429: there were too many attempts."""
    UNAVAILABLE = "unavailable"
    """503: a store does not answer."""

    @property
    def status(self) -> int:
        """The status code of its response."""
        match self:
            case Failure.BAD_REQUEST | Failure.FORM_EXPIRED:
                return 400
            case Failure.CROSS_SITE | Failure.FORBIDDEN:
                return 403
            case Failure.NOT_FOUND:
                return 404
            case Failure.TOO_MANY:
                return 429
            case Failure.UNAVAILABLE:
                return 503
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePage:
    """The page for what did not work.

    Args:
        failure: what did not work.
        retry_after: seconds to wait, for `Failure.TOO_MANY`.
        again_url: where to try again or, of what is forbidden or not found, where to go on; empty for no link.
    """

    failure: Failure
    retry_after: int | None = None
    again_url: str = ""


def failure(page: FailurePage, texts: Texts) -> Body:
    """What the page shows for what did not work."""
    title, said = _told(page, texts)
    # What is forbidden or not there stays so: the link can only lead elsewhere.
    is_final = page.failure in (Failure.FORBIDDEN, Failure.NOT_FOUND)
    return Body(title, joined(lead(said), button_link(texts.proceed if is_final else texts.try_again, page.again_url)))


def _told(page: FailurePage, texts: Texts) -> tuple[str, str]:
    match page.failure:
        case Failure.BAD_REQUEST:
            return texts.bad_request, texts.bad_request_lead
        case Failure.FORM_EXPIRED:
            return texts.form_expired_title, texts.form_expired_lead
        case Failure.CROSS_SITE:
            return texts.cross_site, texts.cross_site_lead
        case Failure.FORBIDDEN:
            return texts.forbidden, texts.forbidden_lead
        case Failure.NOT_FOUND:
            return texts.not_found, texts.not_found_lead
        case Failure.TOO_MANY:
            return texts.too_many, throttled(texts, page.retry_after)
        case Failure.UNAVAILABLE:
            return texts.unavailable, texts.unavailable_lead
        case _:
            assert_never(page.failure)
