"""Page of a refused navigation that a project gives: its ``handler403``, or its template ``403.html``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import get_resolver, get_urlconf
from django.views.defaults import ERROR_403_TEMPLATE_NAME, permission_denied

from authmw.engine.refusal_pages import RefusalPages

if TYPE_CHECKING:
    from django.http import HttpRequest

    from authmw.http.refusal import Refusal
    from authmw.http.response import Response

_FORBIDDEN: Final = 403
pages: Final = RefusalPages()


def page_of(refusal: Refusal, request: HttpRequest) -> Response | None:
    """The page of a refused navigation; None if the project gives none. Django has none for a 401."""
    if refusal.status != _FORBIDDEN or not pages.asks(refusal):
        return None
    try:
        handler: Any = get_resolver(get_urlconf()).resolve_error_handler(_FORBIDDEN)
        if handler is permission_denied and not _has_template():
            return None
        made = handler(request, exception=PermissionDenied(refusal.reason.description))
        if getattr(made, "is_rendered", True) is False:
            made.render()
        cookies = [("Set-Cookie", morsel.OutputString()) for morsel in made.cookies.values()]
        headers = [*made.items(), *cookies]
        return pages.response(refusal, "handler403", made.status_code, headers, b"".join(made))
    except Exception as raised:
        return pages.failed(refusal, "handler403", raised)


def _has_template() -> bool:
    try:
        get_template(ERROR_403_TEMPLATE_NAME)
    except TemplateDoesNotExist:
        return False
    return True
