"""URL conf of the project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import views

router = SimpleRouter()
router.register("orders", views.OrderSet, basename="order")

urlpatterns = [
    path("health", views.health),
    path("orders", views.orders),
    path("orders-later", views.orders_later),
    path("api/", include(router.urls)),
    path("admin/", admin.site.urls),
]
