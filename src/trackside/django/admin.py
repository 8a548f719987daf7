"""The admin: webhooks, webfilters and tokens, and a page of the tracker that shows, and changes nothing."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from trackside.django.state.models import TrackerState
from trackside.django.state.report import state_report
from trackside.django.webfilters.admin import WebfilterAdmin
from trackside.django.webfilters.question_admin import WebfilterQuestionAdmin
from trackside.django.webhooks.admin import WebhookAdmin
from trackside.django.webhooks.token_admin import ApiTokenAdmin

__all__ = ["ApiTokenAdmin", "TrackerStateAdmin", "WebfilterAdmin", "WebfilterQuestionAdmin", "WebhookAdmin"]


@admin.register(TrackerState)
class TrackerStateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """The state of the tracker and the newest events, for whoever has the permission to view it."""

    def get_urls(self) -> list[URLPattern]:
        """Return the one page: there are no rows to look at."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="trackside_trackerstate_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Tracker",
            "opts": self.opts,
            "state": state_report(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "trackside/admin/tracker.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody adds anything."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: TrackerState | None = None) -> bool:  # noqa: ARG002
        """Nobody changes anything."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TrackerState | None = None) -> bool:  # noqa: ARG002
        """Nobody deletes anything."""
        return False
