"""The admin's pages of the webhooks."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import ngettext_lazy

from trackside.destinations.webhook import Trial
from trackside.django.secret_rows.admin import HISTORY, SecretRowAdmin
from trackside.django.webhooks import actions, backlog, listing
from trackside.django.webhooks.forms import HEADERS, WebhookForm
from trackside.django.webhooks.models import ChangedMeanwhileError, Webhook
from trackside.django.webhooks.refusals import Refusal
from trackside.django.webhooks.states import UNKNOWN, Standing, standings

_FIELDSETS: Final = (
    (None, {"fields": ("name", "description", "url", "enabled", "events", "known_revision")}),
    (
        "What is sent",
        {
            "fields": (
                "format",
                "method",
                "where",
                "fields",
                "personal_data",
                "redact",
                "redact_fields",
                "start",
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
    (
        "How fast, how often",
        {
            "fields": (
                *("timeout_s", "concurrency", "rate_per_s", "ordering", "retry_schedule_s"),
                *("max_attempts", "min_backoff_s", "max_backoff_s", "refuse_statuses"),
                *("longest_retry_after_s", "failures_until_probing", "disable_after_s"),
            )
        },
    ),
    ("History", {"fields": ("standing", "last_error", "disabled_at", "disabled_reason", *HISTORY)}),
)


@admin.register(Webhook)
class WebhookAdmin(SecretRowAdmin):
    """Rows can be edited; what the configuration file declares stands above them, read-only."""

    form = WebhookForm
    parts = _FIELDSETS
    signed = "requests"
    counted = ngettext_lazy("%(count)d webhook was %(done)s.", "%(count)d webhooks were %(done)s.", "count")
    readonly_fields = ("signing", "standing", "last_error", "disabled_at", "disabled_reason", *HISTORY)
    change_list_template = "trackside/admin/webhooks.html"
    change_form_template = "trackside/admin/webhook.html"
    list_display = ("name", "url_short", "event_names", "standing", "pending", "dead", "last_error")
    list_filter = ("enabled", ("disabled_at", admin.EmptyFieldListFilter), "format", "ordering")
    search_fields = ("name", "description", "url")
    actions = ("enable", "disable", "pause", "resume", "rotate", "send_test", "retry_dead")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list, with the file's webhooks above it."""
        try:
            extra = {"declared": listing.declared_webhooks()}
            return super().changelist_view(request, {**extra, **(extra_context or {})})
        except ChangedMeanwhileError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the page of the list, each row with how it stands: the log is asked once."""
        page = super().get_changelist_instance(request)
        rows = list(page.result_list)
        found = standings({row.name: row.is_active for row in rows})
        for row in rows:
            row.found_standing = found[row.name]
        page.result_list = rows
        return page

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        """Save, note by whom, and let one go on that was given up."""
        given_up = Webhook.objects.filter(pk=obj.pk, disabled_at__isnull=False).exists()
        super().save_model(request, obj, form, change)
        if given_up and obj.enabled:
            actions.go_on(obj.name)

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        """Delete, and note by whom."""
        obj.updated_by = request.user.get_username()
        super().delete_model(request, obj)

    # what is shown

    @admin.display(description="events")
    def event_names(self, row: Webhook) -> str:
        """Return the first globs of its events."""
        return ", ".join(row.events[:3]) + (" …" if len(row.events) > 3 else "")

    @admin.display(description="state")
    def standing(self, row: Webhook) -> str:
        """Return the state in a word."""
        standing = _standing_of(row)
        return "unknown: no log here" if standing is UNKNOWN else standing.state

    @admin.display(description="pending")
    def pending(self, row: Webhook) -> str:
        """Return how many events it has not had yet."""
        return _number(_standing_of(row).pending)

    @admin.display(description="dead letters")
    def dead(self, row: Webhook) -> str:
        """Return how many dead letters it has."""
        return _number(_standing_of(row).dead)

    @admin.display(description="last error")
    def last_error(self, row: Webhook) -> str:
        """Return why it takes nothing, where it does not."""
        return row.disabled_reason or _standing_of(row).last_error or "-"

    # what is done

    @admin.action(description="Enable", permissions=("change",))
    def enable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Enable the chosen ones."""
        self.do_each(
            request, rows, lambda row: actions.enable(row.name, by=request.user.get_username()), "enabled"
        )

    @admin.action(description="Disable", permissions=("change",))
    def disable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Disable the chosen ones."""
        self.do_each(
            request, rows, lambda row: actions.disable(row.name, by=request.user.get_username()), "disabled"
        )

    @admin.action(description="Pause", permissions=("change",))
    def pause(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Pause the chosen ones."""
        self.do_each(request, rows, lambda row: backlog.pause(row.name, paused=True), "paused")

    @admin.action(description="Resume", permissions=("change",))
    def resume(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Resume the chosen ones."""
        self.do_each(request, rows, lambda row: backlog.pause(row.name, paused=False), "resumed")

    @admin.action(description="Send dead letters again", permissions=("change",))
    def retry_dead(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Try all dead letters of the chosen ones again."""
        self.do_each(
            request,
            rows,
            lambda row: backlog.retry_dead(row.name, None),
            "told to send its dead letters again",
        )

    @admin.action(description="Send a test event", permissions=("change",))
    def send_test(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Send a test event to the chosen ones, one after the other."""
        for row in rows[:10]:
            self.try_one(request, row)

    def rotated(self, row: Webhook, by: str) -> str:
        """Return the new signing secret of the row, which is saved."""
        return actions.rotate(row.name, by=by)

    def try_one(self, request: HttpRequest, row: Webhook) -> None:
        """Send it a test event, and tell what it answered."""
        try:
            trial = actions.try_out(row.name, by=request.user.get_username())
        except Refusal as error:
            self.message_user(request, f"The webhook {row.name}: {error}", messages.ERROR)
            return
        said = f": {trial.excerpt}" if trial.excerpt else ""
        told = f"The webhook {row.name} {_came(trial)}, after {trial.duration_s * 1_000:.0f} ms{said}"
        self.message_user(request, told, messages.SUCCESS if trial.taken else messages.ERROR)


def _standing_of(row: Webhook) -> Standing:
    found: Standing | None = getattr(row, "found_standing", None)
    if found is None:
        found = standings({row.name: row.is_active})[row.name] if row.name else UNKNOWN
        row.found_standing = found  # type: ignore[attr-defined]  # several columns ask for it
    return found


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _came(trial: Trial) -> str:
    return f"answered {trial.status}, delivered" if trial.taken else trial.sentence
