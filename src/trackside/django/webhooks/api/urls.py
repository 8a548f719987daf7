"""Paths for a URLconf: `path("api/", include("trackside.django.webhooks.api.urls"))`."""

from django.urls import re_path

from trackside.django.webhooks.api import views

app_name = "trackside_webhooks"
_ONE = r"^webhooks/(?P<name>[A-Za-z0-9][A-Za-z0-9_\-]{0,63})"

urlpatterns = [
    re_path(r"^webhooks/?$", views.webhooks, name="list"),
    re_path(rf"{_ONE}/?$", views.one_webhook, name="detail"),
    re_path(rf"{_ONE}/dead-letters/?$", views.dead_letters, name="dead-letters"),
    re_path(rf"{_ONE}/dead-letters/retry/?$", views.retry_dead_letters, name="retry"),
    re_path(rf"{_ONE}/(?P<verb>test|rotate|pause|resume|enable|disable)/?$", views.act, name="act"),
    re_path(r"", views.nothing_here, name="nothing"),
]
