"""The admin's pages of the webfilters."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext_lazy

from trackside.django.secret_rows.admin import HISTORY, SecretRowAdmin
from trackside.django.secret_rows.forms import HEADERS
from trackside.django.secret_rows.refusals import Refusal
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.forms import WebfilterForm
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.django.webfilters.showing import told, why_unasked
from trackside.webfilters import POINTS

_HALTS: Final = tuple(
    f"{what}_{kind}" for kind in ("on_4xx", "on_5xx", "on_request_exception") for what in ("halt", "redirect")
)
_FIELDSETS: Final = (
    (
        None,
        {
            "fields": (
                "name",
                "description",
                "point",
                "url",
                "enabled",
                "mode",
                "kind",
                "order",
                "known_revision",
            )
        },
    ),
    (
        "What its answer may do",
        {"fields": ("disable_filtering", "disable_halting", "may_change", "signed_replies")},
    ),
    ("Without an answer", {"fields": ("on_failure", *_HALTS, "message")}),
    (
        "What is sent",
        {
            "fields": (
                *("form_encoding", "layout", "event_type"),
                *("where", "sample_share", "fields", "redact_fields", "redact"),
            )
        },
    ),
    (
        "Who we are to the endpoint",
        {
            "fields": (
                *("signing", "secret", "unsigned", HEADERS, "bearer_token", "remove_bearer_token"),
                *("basic_username", "basic_password", "remove_basic_password"),
                *("oauth_token_url", "oauth_client_id", "oauth_client_secret", "remove_oauth_client_secret"),
                *("oauth_scope", "tls_ca_file", "tls_certificate_file", "tls_key_file"),
            )
        },
    ),
    ("How long", {"fields": ("timeout_s", "cache_s", "failure_cache_s")}),
    ("History", {"fields": ("breaker", "last_decision", *HISTORY)}),
)
_LATELY: Final = 300
"""So many questions are looked through for what each webfilter said last."""


@admin.register(Webfilter)
class WebfilterAdmin(SecretRowAdmin):
    """Who is asked, in the order of asking."""

    form = WebfilterForm
    parts = _FIELDSETS
    signed = "questions"
    counted = ngettext_lazy(
        "%(count)d webfilter was %(done)s.", "%(count)d webfilters were %(done)s.", "count"
    )
    readonly_fields = ("signing", "breaker", "last_decision", *HISTORY)
    change_form_template = "trackside/admin/webfilter.html"
    list_display = ("name", "point", "url_short", "mode_shown", "kind", "order", "breaker", "last_decision")
    list_filter = ("enabled", "mode", "kind", "point")
    search_fields = ("name", "description", "point", "url")
    actions = ("enable", "disable", "shadow", "enforce", "rotate", "try_out")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the page is offered: where no point is declared nobody would be asked."""
        return bool(POINTS) and super().has_module_permission(request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the page of the list, each row with what it said last: the audit is asked once."""
        page = super().get_changelist_instance(request)
        rows, found = list(page.result_list), _last_decisions()
        for row in rows:
            row.found_decision = found.get(row.name, "")
        page.result_list = rows
        return page

    def save_model(self, request: HttpRequest, obj: Webfilter, form: Any, change: bool) -> None:
        """Save, note by whom, and tell where nobody would be asked."""
        super().save_model(request, obj, form, change)
        if reason := why_unasked(obj):
            self.message_user(request, reason, messages.WARNING)

    # what is shown

    @admin.display(description="mode", ordering="mode")
    def mode_shown(self, row: Webfilter) -> str:
        """Return the mode, or that it is disabled."""
        return row.mode if row.enabled else "disabled"

    @admin.display(description="receiver")
    def breaker(self, row: Webfilter) -> str:
        """Return whether this process leaves the receiver alone."""
        if (webfilters := installing.current()) is None:
            return "not asked in this process"
        return "left alone after failures" if webfilters.is_left_alone(row.url) else "asked"

    @admin.display(description="last decision")
    def last_decision(self, row: Webfilter) -> str:
        """Return what it said last, of the newest questions."""
        found = getattr(row, "found_decision", None)
        return (_last_decisions().get(row.name) if found is None else found) or "-"

    # what is done

    @admin.action(description="Enable", permissions=("change",))
    def enable(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> None:
        """Enable the chosen ones."""
        self._change_each(request, rows, "enabled", enabled=True)

    @admin.action(description="Disable", permissions=("change",))
    def disable(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> None:
        """Disable the chosen ones."""
        self._change_each(request, rows, "disabled", enabled=False)

    @admin.action(description="Shadow: ask and record, do not obey", permissions=("change",))
    def shadow(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> None:
        """Let the chosen ones be asked and not obeyed."""
        self._change_each(request, rows, "put into shadow", mode="shadow")

    @admin.action(description="Enforce: ask and obey", permissions=("change",))
    def enforce(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> None:
        """Let the chosen ones be obeyed."""
        self._change_each(request, rows, "put in force", mode="enforce")

    @admin.action(description="Ask with example data", permissions=("change",))
    def try_out(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> None:
        """Ask the chosen ones, one after the other."""
        for row in rows[:10]:
            self.try_one(request, row)

    def rotated(self, row: Webfilter, by: str) -> str:
        """Return the new signing secret of the row, which is saved."""
        return actions.rotate(row, by=by)

    def try_one(self, request: HttpRequest, row: Webfilter) -> None:
        """Ask it with example data, and tell what it said."""
        try:
            question = actions.try_row_out(row)
        except Refusal as error:
            self.message_user(request, f"The webfilter {row.name}: {error}", messages.ERROR)
            return
        level = messages.ERROR if question.hooks[0].outcome == "failed" else messages.SUCCESS
        self.message_user(request, f"The webfilter {row.name} {told(question)}", level)

    def _change_each(
        self, request: HttpRequest, rows: QuerySet[Webfilter], done: str, **columns: object
    ) -> None:
        by = request.user.get_username()
        self.do_each(request, rows, lambda row: actions.change(row, by=by, **columns), done)


def _last_decisions() -> Mapping[str, str]:
    """Return what each webfilter said last, by name, of the newest questions."""
    found: dict[str, str] = {}
    for asked_at, hooks in WebfilterQuestion.objects.values_list("asked_at", "hooks")[:_LATELY]:
        for hook in hooks:
            if hook["outcome"] != "skipped":
                found.setdefault(
                    hook["hook"], f"{hook['outcome']}, {timezone.localtime(asked_at):%Y-%m-%d %H:%M:%S}"
                )
    return found
