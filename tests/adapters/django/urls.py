"""The URL conf of the project of the tests: each kind of view, with each kind of declaration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from django.views.generic import TemplateView

from authmw import (
    authenticated,
    current_principal,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.stores import StoreUnavailable


def seen(request: Any) -> JsonResponse:
    """What a view sees of its caller."""
    return JsonResponse(
        {
            "principal": request.principal.id,
            "current": current_principal().id,
            "user": request.user.get_username(),
            "is_authenticated": request.user.is_authenticated,
            "remote_user": request.META.get("REMOTE_USER"),
            "auth_type": request.META.get("AUTH_TYPE"),
            "claimed": request.META.get("HTTP_REMOTE_USER"),
        }
    )


def plain(request: HttpRequest) -> JsonResponse:
    return seen(request)


def wrapped_elsewhere(request: HttpRequest) -> JsonResponse:
    return seen(request)


async def plain_later(request: HttpRequest) -> JsonResponse:
    return seen(request)


async def user_later(request: Any) -> JsonResponse:
    return JsonResponse({"user": (await request.auser()).get_username()})


@requires_scopes("orders:read")
def orders(request: HttpRequest) -> JsonResponse:
    return seen(request)


@requires_scopes("orders:read")
async def orders_later(request: HttpRequest) -> JsonResponse:
    return seen(request)


@authenticated
def anyone(request: HttpRequest) -> JsonResponse:
    return seen(request)


@public
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"up for {current_principal().id or 'nobody'}")


@optionally_authenticated
def shop_window(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"for {current_principal().id or 'nobody'}")


@requires(lambda principal, request: principal.id == request.path_params["name"])
def of_owner(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"of {name}")


def inline(request: Any) -> HttpResponse:
    request.principal.require("orders:write")
    return HttpResponse("written")


async def inline_later(request: Any) -> HttpResponse:
    request.principal.require("orders:write")
    return HttpResponse("written")


def asks_store(request: HttpRequest) -> HttpResponse:
    raise StoreUnavailable("down")


def fails(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("a bug of the view")


def denies(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def writes_then_refuses(request: Any) -> HttpResponse:
    from django.contrib.auth.models import Group

    Group.objects.create(name="written")
    request.principal.require("orders:write")
    return HttpResponse("written")


def streams(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[str]:
        yield f"{current_principal().id} "
        yield f"{current_principal().id}"

    return StreamingHttpResponse(chunks())


async def streams_later(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        yield f"{current_principal().id} "
        yield f"{current_principal().id}"

    return StreamingHttpResponse(chunks())


def sends_file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"), content_type="text/plain")


@csrf_exempt
@requires_scopes("orders:write")
def exempt(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.method)


@cache_page(60)
@requires_scopes("orders:read")
def cached(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"made for {current_principal().id}")


def hides(view: Any) -> Any:
    """A decorator without `functools.wraps`."""

    def inner(request: HttpRequest) -> Any:
        return view(request)

    return inner


class Orders(View):
    @requires_scopes("orders:read")
    def get(self, request: HttpRequest) -> HttpResponse:
        return seen(request)

    @requires_scopes("orders:write")
    def post(self, request: HttpRequest) -> HttpResponse:
        return seen(request)

    def delete(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


@requires_scopes("orders:write")
class Whole(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


class OfWhole(Whole):
    """It inherits what it needs."""


@public
class Window(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("window")

    @requires_scopes("orders:write")
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("written")


class OfWindow(Window):
    """It does not inherit that it is public."""


class ReadableOrders(View):
    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("readable")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("written")


@method_decorator(requires_scopes("orders:write"), name="dispatch")
class ByMethodDecorator(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


class OnMethodByDecorator(View):
    @method_decorator(requires_scopes("orders:write"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


class Later(View):
    @requires_scopes("orders:read")
    async def get(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


@requires_scopes("orders:read")
class Page(TemplateView):
    template_name = "admin/404.html"


class Called:
    """An object that is a view."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return seen(request)


def counts_users(request: Any) -> JsonResponse:
    from django.contrib.auth.models import User

    return JsonResponse({"users": User.objects.count(), "vendor": connection.vendor})


inner = [
    path("orders/", orders),
    path("plain/", plain),
]

urlpatterns: list[Any] = [
    path("plain", plain),
    path("plain-later", plain_later),
    path("user-later", user_later),
    path("orders", orders),
    path("orders-later", orders_later),
    path("anyone", anyone),
    path("health", health),
    path("health/", health),
    path("window", shop_window),
    path("of/<str:name>", of_owner),
    path("inline", inline),
    path("inline-later", inline_later),
    path("asks-store", asks_store),
    path("fails", fails),
    path("denies", denies),
    path("writes", writes_then_refuses),
    path("streams", streams),
    path("streams-later", streams_later),
    path("file", sends_file),
    path("exempt", exempt),
    path("cached", cached),
    path("hidden", hides(orders)),
    path("login/below", login_required(orders)),
    path("login/above", requires_scopes("orders:read")(login_required(wrapped_elsewhere))),
    path("csrf/below", csrf_exempt(orders)),
    path("gets", require_GET(orders)),
    path("class/orders", Orders.as_view()),
    path("class/whole", Whole.as_view()),
    path("class/of-whole", OfWhole.as_view()),
    path("class/window", Window.as_view()),
    path("class/of-window", OfWindow.as_view()),
    path("class/readable", ReadableOrders.as_view()),
    path("class/by-decorator", ByMethodDecorator.as_view()),
    path("class/on-method", OnMethodByDecorator.as_view()),
    path("class/later", Later.as_view()),
    path("class/around", requires_scopes("orders:write")(Orders.as_view())),
    path("class/page", Page.as_view()),
    path("object", requires_scopes("orders:read")(Called())),
    path("open/window", plain),
    path("open/orders", orders),
    re_path(r"^open/lenient/?$", plain),
    re_path(r"^loose/?$", plain),
    path("inner/", include(inner)),
    path("slashed/", health),
    path("users", counts_users),
    path("api/", include("tests.adapters.django.api")),
    path("admin/", admin.site.urls),
    *i18n_patterns(path("about/", health), path("account/", plain)),
]
