"""The URL conf of a project whose views ask for the user object of their caller."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import JsonResponse
from django.urls import path

from authmw import current_user, current_user_async


def own(request: Any) -> JsonResponse:
    return _seen(request, current_user(User))


async def own_later(request: Any) -> JsonResponse:
    return _seen(request, await current_user_async(User))


def _seen(request: Any, user: User) -> JsonResponse:
    return JsonResponse({"username": user.get_username(), "is_request_user": user == request.user})


urlpatterns = [path("own", own), path("own-later", own_later)]
