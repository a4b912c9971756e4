"""Requirements of views, found by the URL conf: on the view, its class, and the method that answers.

Declarations are read from what the URL conf registered. So it does not matter in which order decorators stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django import conf
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.urls import get_resolver
from django.utils import translation

from authmw.engine.adapter import Adapter
from authmw.engine.declarations import enforced_by, lost_in, needed_by
from authmw.engine.markers import is_own_wrapper
from authmw.engine.promise import Promise
from authmw.engine.reached import called_from
from authmw.identity.requirement import Requirement
from authmw_django.dispatchers import is_known, own_dispatchers, stands_above
from authmw_django.heads import DjangoRequest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from django.http import HttpRequest
    from django.urls import ResolverMatch

    from authmw.http.request import RequestHead


class ViewPromise(Promise):
    """The promise to a stranger who was let in for a public view.

    Layers of Django between the guard and the view may redirect or refuse the stranger. What they serve is not sent.
    """

    routed = True


class ViewTable(Adapter):
    """The views of a project, by its URL conf."""

    keeps_promises = True

    def __init__(self) -> None:
        self._lost: WeakKeyDictionary[Any, Requirement | None] = WeakKeyDictionary()
        self._own: WeakKeyDictionary[type, dict[str, int]] = WeakKeyDictionary()

    def requirement(self, view: Any, method: str) -> Requirement | None:
        """The requirement of `view` for `method`; None if nothing was declared.

        A ``@public`` method opens a class with a dispatcher of its own only where it can open nothing else.
        """
        found = [each for each in carriers(view, method) if each is not None]
        asked = [needed_by(each) for each in found]
        asked += [self._lost_in(each) for each in found if not isinstance(each, type)]
        needed = Requirement.together(each for each in asked if each is not None)
        return None if needed is not None and needed.is_open and self.closed_by_dispatcher(view, method) else needed

    def closed_by_dispatcher(self, view: Any, method: str) -> str:
        """The dispatcher of its own that closes a ``@public`` method of a class, as ``Items.dispatch``; or nothing."""
        dispatchers = self._dispatchers(view)
        if not dispatchers or needed_by(view_class_of(view)) is not None or needed_by(view) is not None:
            return ""
        view_class, handler = view_class_of(view) or object, handler_name(view, method)
        beside = [name for name, place in dispatchers.items() if not stands_above(place, view_class, handler)]
        name = next(iter(beside or (dispatchers if self.exposed_methods(view, method) else ())), "")
        return f"{view_class.__mro__[dispatchers[name]].__name__}.{name}" if name else ""

    def exposed_methods(self, view: Any, method: str) -> tuple[str, ...]:
        """The other methods that a dispatcher of its own may call for `method`, if they let everybody in."""
        if not self._dispatchers(view):
            return ()
        named: Iterable[str] = actions_of(view) or getattr(view_class_of(view), "http_method_names", ())
        handlers = {name.upper(): handler_of(view, name) for name in named}
        answering = handler_of(view, method)
        return tuple(
            name
            for name, handler in handlers.items()
            if handler is not None
            and handler is not answering
            and not (name == "OPTIONS" and is_known(handler))
            and not _is_open_or_enforced(handler)
        )

    def _dispatchers(self, view: Any) -> dict[str, int]:
        view_class = view_class_of(view)
        if view_class is None:
            return {}
        if view_class not in self._own:
            self._own[view_class] = own_dispatchers(view_class)
        return self._own[view_class]

    def _lost_in(self, target: Any) -> Requirement | None:
        """The requirement that is declared inside of `target`, and that nothing on it shows."""
        try:
            if target not in self._lost:
                self._lost[target] = _hidden_in(target)
            return self._lost[target]
        except TypeError:  # an object without weak references, or without a hash
            return _hidden_in(target)

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """The requirement of the view that will serve `request`; None if no view is found, or nothing was declared."""
        match = None if not isinstance(request, DjangoRequest) else _match(request.django)
        requirement = None if match is None else self.requirement(match.func, request.method)
        if requirement is not None and requirement.is_open:
            request.promise = ViewPromise()
        return requirement

    def knows_router(self, request: RequestHead) -> bool:
        """Whether Django finds no view for `request` that it would also find without the slash at the end."""
        if not isinstance(request, DjangoRequest):
            return False
        if not request.path.endswith("/"):
            return True
        match, without = _match(request.django), _match(request.django, request.path[:-1])
        return match is None or without is None or match.func is not without.func


def view_class_of(view: Any) -> type | None:
    """The class of a view that ``as_view`` made, of Django or of Django REST framework; None for a function."""
    while isinstance(view, partial):
        view = view.func
    found: object = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return found if isinstance(found, type) else None


def actions_of(view: Any) -> Mapping[str, str]:
    """Method in lower case → action, of the view of a viewset; empty for any other view."""
    found: Mapping[str, str] | None = getattr(view, "actions", None)
    return found if isinstance(found, dict) else {}


def handler_of(view: Any, method: str) -> Any:
    """The method of a class-based view, or the action of a viewset, that answers `method`; None if none does."""
    view_class = view_class_of(view)
    if view_class is None:
        return None
    return getattr(view_class, handler_name(view, method), None)


def handler_name(view: Any, method: str) -> str:
    """The name of the method of a class-based view, or of the action of a viewset, that answers `method`."""
    actions, name = actions_of(view), method.lower()
    name = actions.get(name) or (actions.get("get") if name == "head" else None) or name
    return "get" if name == "head" and getattr(view_class_of(view), name, None) is None else name


def function_of(handler: Any) -> Any:
    """The function that ``@api_view`` of Django REST framework calls; None for any other handler."""
    code = handler.__code__ if isinstance(handler, FunctionType) else None
    if code is None or code.co_qualname != "api_view.<locals>.decorator.<locals>.handler":
        return None
    cells = dict(zip(code.co_freevars, handler.__closure__ or (), strict=True))
    return cells["func"].cell_contents if "func" in cells else None


def carriers(view: Any, method: str) -> Iterator[Any]:
    """What may carry declarations for `view`: its class, the view, its method, the function of ``@api_view``."""
    view_class, handler = view_class_of(view), handler_of(view, method)
    yield from (view_class, view, handler, function_of(handler))


def _is_open_or_enforced(handler: Any) -> bool:
    """Whether `handler` is public, or refuses strangers itself, whatever calls it."""
    declared = needed_by(handler)
    return declared is not None and (declared.is_open or enforced_by(handler) is not None)


def _hidden_in(target: Any) -> Requirement | None:
    """What a call of `target` does not enforce, and what it enforces without a trace of it on `target`."""
    inside = [needed_by(each) for each in called_from(target) if each is not target and is_own_wrapper(each)]
    closed = (each for each in (lost_in(target), *inside) if each is not None and not each.is_open)
    return Requirement.together(closed)


def urlconf_of(request: HttpRequest) -> Any:
    """The URL conf of `request`, as Django chooses it."""
    return getattr(request, "urlconf", None) or conf.settings.ROOT_URLCONF


def _match(request: HttpRequest, path: str | None = None) -> ResolverMatch | None:
    path = request.path_info if path is None else path
    try:
        urlconf = urlconf_of(request)
        with _language_of(path, urlconf):
            return get_resolver(urlconf).resolve(path)
    except Exception:  # no such view, a converter that fails, a URL conf that cannot be imported: all stay denied
        return None


def _language_of(path: str, urlconf: Any) -> AbstractContextManager[object]:
    """The language by which ``i18n_patterns`` match: `LocaleMiddleware` chooses it later, by the path."""
    if not conf.settings.USE_I18N or not is_language_prefix_patterns_used(urlconf)[0]:
        return nullcontext()
    return translation.override(translation.get_language_from_path(path) or conf.settings.LANGUAGE_CODE)
