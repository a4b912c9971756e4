"""Class-based views with dispatchers of Django, of Django REST framework and of their own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from authmw import authenticated, public, requires_scopes


def method_of(request: Any) -> str:
    """The method that a header names, or else that of the request."""
    return str(request.headers.get("X-Method", request.method))


class Items(View):
    """Public to read, and for nobody else to write."""

    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")

    @requires_scopes("orders:write")
    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("put")


class Plain(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")


class OwnDispatch(Items):
    """It calls the method that a header names."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.method = method_of(request)
        return super().dispatch(request, *args, **kwargs)


class OwnSetup(Items):
    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        request.method = method_of(request)


class AnswersAll(Items):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse("secret")


class BesideBefore(AnswersAll):
    """It inherits the dispatcher."""


class Override(View):
    """The base of the views of a project."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, method_of(request).lower())(request, *args, **kwargs)


class OfOverride(Override):
    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")


class Mixed(Override, Items):
    """The dispatcher comes from another class than the method."""


class Together(View):
    """The dispatcher stands in the class of the method."""

    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")

    @method_decorator(never_cache)
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, method_of(request).lower())(request, *args, **kwargs)


class Enforced(Override):
    """Whatever its dispatcher calls refuses strangers itself."""

    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    @authenticated
    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")

    @method_decorator(requires_scopes("orders:write"))
    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("put")


class OnlyReads(View):
    """There is nothing else to call."""

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        request.method = method_of(request)

    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")


@method_decorator(never_cache, name="dispatch")
class Decorated(Items):
    """The dispatcher of Django, below a decorator of Django."""


@public
class Open(Override):
    """The class is public itself, but for what a method needs."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    @authenticated
    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")


class Rest(APIView):
    authentication_classes = ()
    permission_classes = ()

    @public
    def get(self, request: Any) -> Response:
        return Response("read")

    def delete(self, request: Any) -> Response:
        return Response("deleted")


class OwnInitial(Rest):
    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        request._request.method = method_of(request)
        super().initial(request, *args, **kwargs)


class OwnRequest(Rest):
    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.method = method_of(request)
        return super().initialize_request(request, *args, **kwargs)


class RestSet(ViewSet):
    authentication_classes = ()
    permission_classes = ()

    @public
    def list(self, request: Any) -> Response:
        return Response("read")

    def destroy(self, request: Any) -> Response:
        return Response("deleted")


class OwnSet(RestSet):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.method = method_of(request)
        return super().dispatch(request, *args, **kwargs)


ACTIONS: Any = {"get": "list", "delete": "destroy"}


def _of_set(viewset: Any) -> Any:
    return viewset.as_view(ACTIONS)


CLASSES: dict[str, Any] = {
    "undeclared": Plain.as_view(),
    "of Django": Items.as_view(),
    "below: dispatch": OwnDispatch.as_view(),
    "below: setup": OwnSetup.as_view(),
    "below: answers itself": AnswersAll.as_view(),
    "below, inherited": BesideBefore.as_view(),
    "above": OfOverride.as_view(),
    "beside": Mixed.as_view(),
    "of the same class": Together.as_view(),
    "above, nothing to open": Enforced.as_view(),
    "nothing else": OnlyReads.as_view(),
    "decorated": Decorated.as_view(),
    "of a public class": Open.as_view(),
    "REST: of the framework": Rest.as_view(),
    "REST: initial": OwnInitial.as_view(),
    "REST: initialize_request": OwnRequest.as_view(),
    "viewset: of the framework": _of_set(RestSet),
    "viewset: dispatch": _of_set(OwnSet),
}
