"""The admin's pages of the questions that were asked: to be searched and read, not to be changed."""

import json
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.webfilters import POINTS

_NOTHING: Final = "-"


class HookFilter(admin.SimpleListFilter):
    """Questions that one webfilter was asked."""

    title = "hook"
    parameter_name = "hook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the webfilters there are, and the one that is looked for."""
        names = {*Webfilter.objects.values_list("name", flat=True)[:200]}
        if self.value():
            names.add(str(self.value()))
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebfilterQuestion]) -> Any:  # noqa: ARG002
        """Return its questions."""
        return queryset.filter(hook_names__contains=f",{self.value()},") if self.value() else queryset


class PointFilter(admin.SimpleListFilter):
    """Questions of one point."""

    title = "point"
    parameter_name = "point"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the points that were asked."""
        names = WebfilterQuestion.objects.order_by("point").values_list("point", flat=True).distinct()
        return [(name, name) for name in names[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebfilterQuestion]) -> Any:  # noqa: ARG002
        """Return its questions."""
        return queryset.filter(point=self.value()) if self.value() else queryset


@admin.register(WebfilterQuestion)
class WebfilterQuestionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """The audit."""

    list_display = ("asked_at", "point", "decision", "would_be", "asked", "actor", "fail_open", "took")
    list_filter = (PointFilter, "decision", "would_be", HookFilter, "has_shadow", "fail_open", "asked_at")
    search_fields = ("=input_hash", "=question_id", "=actor")
    search_help_text = "The hash of the data that was asked about, the id of the question, or a user."
    show_full_result_count = False
    fields = (
        *("question_id", "point", "asked_at", "actor", "decision", "would_be", "exception", "halted_by"),
        *("has_shadow", "fail_open", "in_transaction", "took", "budget_s", "input_hash"),
        *("hooks_shown", "patch_shown", "conflicts_shown"),
    )
    readonly_fields = fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the page is offered: where no point is declared nobody would be asked."""
        return bool(POINTS) and super().has_module_permission(request)

    @admin.display(description="hooks")
    def asked(self, row: WebfilterQuestion) -> str:
        """Return who was asked and what each said."""
        return ", ".join(
            f"{hook['hook']}: {hook['outcome']}" + (" (shadow)" if hook["mode"] == "shadow" else "")
            for hook in row.hooks
        )

    @admin.display(description="took", ordering="duration_s")
    def took(self, row: WebfilterQuestion) -> str:
        """Return how long the platform waited."""
        return f"{row.duration_s * 1_000:.0f} ms"

    @admin.display(description="hooks")
    def hooks_shown(self, row: WebfilterQuestion) -> SafeString:
        """Return what each hook said."""
        return _shown(row.hooks)

    @admin.display(description="patch")
    def patch_shown(self, row: WebfilterQuestion) -> SafeString:
        """Return what was changed, values of secrets replaced."""
        return _shown(row.patch)

    @admin.display(description="conflicts")
    def conflicts_shown(self, row: WebfilterQuestion) -> SafeString:
        """Return the fields that several hooks changed."""
        return _shown(row.conflicts)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody adds anything."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Nobody changes anything."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Nobody deletes anything; age does."""
        return False


def _shown(value: object) -> SafeString:
    if not value:
        return format_html("{}", _NOTHING)
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, default=str))
