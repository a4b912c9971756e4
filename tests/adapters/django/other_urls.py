"""Another URL conf, where other views are public."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from authmw import public
from tests.adapters.django.urls import seen


def health(request: HttpRequest) -> JsonResponse:
    return seen(request)


@public
def plain(request: HttpRequest) -> JsonResponse:
    return seen(request)


urlpatterns = [path("health", health), path("plain", plain)]
