"""The admin's pages of the webhooks."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from trackside.destinations.webhook import Trial
from trackside.django.webhooks import actions, backlog, listing
from trackside.django.webhooks.forms import HEADERS, HIDDEN_TEXTS, WebhookForm
from trackside.django.webhooks.models import ChangedMeanwhileError, Webhook, readable
from trackside.django.webhooks.refusals import Refusal
from trackside.django.webhooks.states import UNKNOWN, Standing, standings
from trackside.errors import TracksideError

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
    (
        "History",
        {
            "fields": (
                *("standing", "last_error", "disabled_at", "disabled_reason"),
                *("created_at", "created_by", "updated_at", "updated_by"),
            )
        },
    ),
)
_UNREPORTED: Final = method_decorator(sensitive_post_parameters("secret", HEADERS, *HIDDEN_TEXTS))
"""Keeps secrets out of what Django mails of an error."""
_SHOWN: Final = (
    *("signing", "standing", "last_error", "disabled_at", "disabled_reason"),
    *("created_at", "created_by", "updated_at", "updated_by"),
)
_ONLY_TYPED: Final = frozenset(
    (
        "known_revision",
        "secret",
        "unsigned",
        HEADERS,
        *HIDDEN_TEXTS,
        *(f"remove_{name}" for name in HIDDEN_TEXTS),
    )
)


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Rows can be edited; what the configuration file declares stands above them, read-only."""

    form = WebhookForm
    fieldsets = _FIELDSETS  # type: ignore[assignment]  # the stubs want lists
    readonly_fields = _SHOWN
    change_list_template = "trackside/admin/webhooks.html"
    change_form_template = "trackside/admin/webhook.html"
    list_display = ("name", "url_short", "event_names", "standing", "pending", "dead", "last_error")
    list_filter = ("enabled", ("disabled_at", admin.EmptyFieldListFilter), "format", "ordering")
    search_fields = ("name", "description", "url")
    actions = ("enable", "disable", "pause", "resume", "rotate", "send_test", "retry_dead")

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, and what the two buttons of a webhook's page post to."""
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/test/", view(self.test_view), name="trackside_webhook_test"),
            path("<path:object_id>/rotate/", view(self.rotate_view), name="trackside_webhook_rotate"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Webhook | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return what is only shown: the name too, once there is a subscription of it."""
        return _SHOWN if obj is None else ("name", *_SHOWN)

    def get_fieldsets(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        """Return the parts of the form; who may only look is not shown the fields of secrets."""
        if obj is None:
            return _FIELDSETS[:-1]
        if self.has_change_permission(request, obj):
            return _FIELDSETS
        return tuple(
            (title, {"fields": tuple(name for name in part["fields"] if name not in _ONLY_TYPED)})
            for title, part in _FIELDSETS
        )

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

    @_UNREPORTED
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Return the form; a change that came in between is told, and nothing is written over it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ChangedMeanwhileError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:  # Django's own
        """Save, and note by whom."""
        obj.updated_by = request.user.get_username()
        if not change:
            obj.created_by = obj.updated_by
        given_up = Webhook.objects.filter(pk=obj.pk, disabled_at__isnull=False).exists()
        super().save_model(request, obj, form, change)
        if given_up and obj.enabled:
            actions.go_on(obj.name)

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        """Delete, and note by whom."""
        obj.updated_by = request.user.get_username()
        super().delete_model(request, obj)

    def response_add(
        self, request: HttpRequest, obj: Webhook, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret that was made, this once."""
        secret = getattr(request, "new_secret", None)
        if secret is None:
            return super().response_add(request, obj, post_url_continue)
        return self._secrets_page(request, {obj.name: secret})

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:  # Django's own
        """Keep the secret that was made for as long as the request lasts."""
        request.new_secret = form.new_secret  # type: ignore[attr-defined]  # read by `response_add`
        return super().save_form(request, form, change)

    # what is shown

    @admin.display(description="URL", ordering="url")
    def url_short(self, row: Webhook) -> str:
        """Return the URL, shortened."""
        return row.url if len(row.url) <= 60 else f"{row.url[:59]}…"

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

    @admin.display(description="Signing")
    def signing(self, row: Webhook | None) -> str:
        """Return which keys sign, by their last characters."""
        if row is None or row.pk is None:
            return "A secret is made when the webhook is saved, and shown once."
        secrets = readable(row)
        if secrets is None:
            return "The secrets cannot be read with the keys in use: set them anew, or bring the key back."
        ends = ", ".join(f"…{key[-4:]}" for key in secrets.live_keys(timezone.now()))
        return f"Set, ends in {ends}" if ends else "Not set: requests are not signed."

    # what is done

    @admin.action(description="Enable", permissions=("change",))
    def enable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Enable the chosen ones."""
        self._each(
            request, rows, lambda name: actions.enable(name, by=request.user.get_username()), "enabled"
        )

    @admin.action(description="Disable", permissions=("change",))
    def disable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Disable the chosen ones."""
        self._each(
            request, rows, lambda name: actions.disable(name, by=request.user.get_username()), "disabled"
        )

    @admin.action(description="Pause", permissions=("change",))
    def pause(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Pause the chosen ones."""
        self._each(request, rows, lambda name: backlog.pause(name, paused=True), "paused")

    @admin.action(description="Resume", permissions=("change",))
    def resume(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Resume the chosen ones."""
        self._each(request, rows, lambda name: backlog.pause(name, paused=False), "resumed")

    @admin.action(description="Send dead letters again", permissions=("change",))
    def retry_dead(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Try all dead letters of the chosen ones again."""
        self._each(
            request, rows, lambda name: backlog.retry_dead(name, None), "told to send its dead letters again"
        )

    @admin.action(description="Send a test event", permissions=("change",))
    def send_test(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        """Send a test event to the chosen ones, one after the other."""
        for name in rows.values_list("name", flat=True)[:10]:
            self._try(request, name)

    @admin.action(description="Rotate the signing secret", permissions=("change",))
    def rotate(self, request: HttpRequest, rows: QuerySet[Webhook]) -> HttpResponse | None:
        """Give the chosen ones new signing secrets, shown this once."""
        made: dict[str, str] = {}

        def rotate_one(name: str) -> None:
            made[name] = actions.rotate(name, by=request.user.get_username())

        self._each(request, rows, rotate_one, "rotated")
        return self._secrets_page(request, made) if made else None

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test event and go back to the webhook's page."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        self._try(request, row.name)
        return HttpResponseRedirect(reverse("admin:trackside_webhook_change", args=(row.pk,)))

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the webhook a new signing secret, shown this once."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        page = self.rotate(request, Webhook.objects.filter(pk=row.pk))
        return page or HttpResponseRedirect(reverse("admin:trackside_webhook_change", args=(row.pk,)))

    def _asked(self, request: HttpRequest, object_id: str) -> Webhook | HttpResponse:
        """Return the row that a button was pressed for, or what to answer instead. Raises PermissionDenied."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        return row if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    def _try(self, request: HttpRequest, name: str) -> None:
        try:
            trial = actions.try_out(name, by=request.user.get_username())
        except Refusal as error:
            self.message_user(request, f"The webhook {name}: {error}", messages.ERROR)
            return
        said = f": {trial.excerpt}" if trial.excerpt else ""
        told = f"The webhook {name} {_came(trial)}, after {trial.duration_s * 1_000:.0f} ms{said}"
        self.message_user(request, told, messages.SUCCESS if trial.taken else messages.ERROR)

    def _each(
        self, request: HttpRequest, rows: QuerySet[Webhook], do: Callable[[str], object], done: str
    ) -> None:
        count = 0
        for row in rows:
            try:
                do(row.name)
            except TracksideError as error:
                self.message_user(request, f"The webhook {row.name}: {error}", messages.ERROR)
                continue
            self.log_change(request, row, f"{done.capitalize()}.")
            count += 1
        if count:
            told = ngettext("%(count)d webhook was %(done)s.", "%(count)d webhooks were %(done)s.", count)
            self.message_user(request, told % {"count": count, "done": done}, messages.SUCCESS)

    def _secrets_page(self, request: HttpRequest, made: dict[str, str]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Signing secret",
            "opts": self.opts,
            "secrets": made,
            "back": reverse("admin:trackside_webhook_changelist"),
        }
        page = TemplateResponse(request, "trackside/admin/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page


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
