"""The admin's pages of the webfilters."""

from collections.abc import Callable, Mapping
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

from trackside.django.secret_rows.forms import HEADERS, HIDDEN_TEXTS
from trackside.django.secret_rows.refusals import Refusal
from trackside.django.secret_rows.rows import ChangedMeanwhileError, readable
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.forms import WebfilterForm
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.django.webfilters.showing import told, why_unasked
from trackside.errors import TracksideError
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
    (
        "History",
        {"fields": ("breaker", "last_decision", "created_at", "created_by", "updated_at", "updated_by")},
    ),
)
_SHOWN: Final = (
    *("signing", "breaker", "last_decision"),
    *("created_at", "created_by", "updated_at", "updated_by"),
)
_ONLY_TYPED: Final = frozenset(
    (
        *("known_revision", "secret", "unsigned", HEADERS),
        *HIDDEN_TEXTS,
        *(f"remove_{name}" for name in HIDDEN_TEXTS),
    )
)
_UNREPORTED: Final = method_decorator(sensitive_post_parameters("secret", HEADERS, *HIDDEN_TEXTS))
"""Keeps secrets out of what Django mails of an error."""
_LATELY: Final = 300
"""So many questions are looked through for what each webfilter said last."""


@admin.register(Webfilter)
class WebfilterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Who is asked, in the order of asking."""

    form = WebfilterForm
    fieldsets = _FIELDSETS  # type: ignore[assignment]  # the stubs want lists
    readonly_fields = _SHOWN
    change_form_template = "trackside/admin/webfilter.html"
    list_display = ("name", "point", "url_short", "mode_shown", "kind", "order", "breaker", "last_decision")
    list_filter = ("enabled", "mode", "kind", "point")
    search_fields = ("name", "description", "point", "url")
    actions = ("enable", "disable", "shadow", "enforce", "rotate", "try_out")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the page is offered: where no point is declared nobody would be asked."""
        return bool(POINTS) and super().has_module_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, and what the two buttons of a webfilter's page post to."""
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/test/", view(self.test_view), name="trackside_webfilter_test"),
            path("<path:object_id>/rotate/", view(self.rotate_view), name="trackside_webfilter_rotate"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Webfilter | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return what is only shown: the name too, once it is in the audit."""
        return _SHOWN if obj is None else ("name", *_SHOWN)

    def get_fieldsets(self, request: HttpRequest, obj: Webfilter | None = None) -> Any:
        """Return the parts of the form; who may only look is not shown the fields of secrets."""
        if obj is None:
            return _FIELDSETS[:-1]
        if self.has_change_permission(request, obj):
            return _FIELDSETS
        return tuple(
            (title, {"fields": tuple(name for name in part["fields"] if name not in _ONLY_TYPED)})
            for title, part in _FIELDSETS
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the page of the list, each row with what it said last: the audit is asked once."""
        page = super().get_changelist_instance(request)
        rows, found = list(page.result_list), _last_decisions()
        for row in rows:
            row.found_decision = found.get(row.name, "")
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

    def save_model(
        self, request: HttpRequest, obj: Webfilter, form: Any, change: bool
    ) -> None:  # Django's own
        """Save, and note by whom."""
        obj.updated_by = request.user.get_username()
        if not change:
            obj.created_by = obj.updated_by
        super().save_model(request, obj, form, change)
        if reason := why_unasked(obj):
            self.message_user(request, reason, messages.WARNING)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:  # Django's own
        """Keep the secret that was made for as long as the request lasts."""
        request.new_secret = form.new_secret  # type: ignore[attr-defined]  # read by `response_add`
        return super().save_form(request, form, change)

    def response_add(
        self, request: HttpRequest, obj: Webfilter, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret that was made, this once."""
        secret = getattr(request, "new_secret", None)
        if secret is None:
            return super().response_add(request, obj, post_url_continue)
        return self._secrets_page(request, {obj.name: secret})

    # what is shown

    @admin.display(description="URL", ordering="url")
    def url_short(self, row: Webfilter) -> str:
        """Return the URL, shortened, without what may be a key in it."""
        plain = row.url.partition("?")[0]
        return plain if len(plain) <= 60 else f"{plain[:59]}…"

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

    @admin.display(description="Signing")
    def signing(self, row: Webfilter | None) -> str:
        """Return which keys sign, by their last characters."""
        if row is None or row.pk is None:
            return "A secret is made when the webfilter is saved, and shown once."
        secrets = readable(row)
        if secrets is None:
            return "The secrets cannot be read with the keys in use: set them anew, or bring the key back."
        ends = ", ".join(f"…{key[-4:]}" for key in secrets.live_keys(timezone.now()))
        return f"Set, ends in {ends}" if ends else "Not set: questions are not signed."

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
            self._try(request, row)

    @admin.action(description="Rotate the signing secret", permissions=("change",))
    def rotate(self, request: HttpRequest, rows: QuerySet[Webfilter]) -> HttpResponse | None:
        """Give the chosen ones new signing secrets, shown this once."""
        made: dict[str, str] = {}

        def rotate_one(row: Webfilter) -> None:
            made[row.name] = actions.rotate(row, by=request.user.get_username())

        self._each(request, rows, rotate_one, "rotated")
        return self._secrets_page(request, made) if made else None

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the webfilter with example data and go back to its page."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        self._try(request, row)
        return HttpResponseRedirect(reverse("admin:trackside_webfilter_change", args=(row.pk,)))

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the webfilter a new signing secret, shown this once."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        page = self.rotate(request, Webfilter.objects.filter(pk=row.pk))
        return page or HttpResponseRedirect(reverse("admin:trackside_webfilter_change", args=(row.pk,)))

    def _asked(self, request: HttpRequest, object_id: str) -> Webfilter | HttpResponse:
        """Return the row that a button was pressed for, or what to answer instead. Raises PermissionDenied."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        return row if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    def _try(self, request: HttpRequest, row: Webfilter) -> None:
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
        self._each(request, rows, lambda row: actions.change(row, by=by, **columns), done)

    def _each(
        self, request: HttpRequest, rows: QuerySet[Webfilter], do: Callable[[Webfilter], object], done: str
    ) -> None:
        count = 0
        for row in rows:
            try:
                do(row)
            except TracksideError as error:
                self.message_user(request, f"The webfilter {row.name}: {error}", messages.ERROR)
                continue
            self.log_change(request, row, f"{done.capitalize()}.")
            count += 1
        if count:
            text = ngettext("%(count)d webfilter was %(done)s.", "%(count)d webfilters were %(done)s.", count)
            self.message_user(request, text % {"count": count, "done": done}, messages.SUCCESS)

    def _secrets_page(self, request: HttpRequest, made: dict[str, str]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Signing secret",
            "opts": self.opts,
            "secrets": made,
            "back": reverse("admin:trackside_webfilter_changelist"),
        }
        page = TemplateResponse(request, "trackside/admin/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page


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
