"""What the admin's pages of rows with secrets have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from trackside.django.secret_rows.forms import HEADERS, HIDDEN_TEXTS
from trackside.django.secret_rows.rows import ChangedMeanwhileError, readable
from trackside.errors import TracksideError

HISTORY: Final = ("created_at", "created_by", "updated_at", "updated_by")
_ONLY_TYPED: Final = frozenset(
    (
        *("known_revision", "secret", "unsigned", HEADERS),
        *HIDDEN_TEXTS,
        *(f"remove_{name}" for name in HIDDEN_TEXTS),
    )
)
_UNREPORTED: Final = method_decorator(sensitive_post_parameters("secret", HEADERS, *HIDDEN_TEXTS))
"""Keeps secrets out of what Django mails of an error."""


class SecretRowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Pages on which a secret is typed and never shown, but once: when it was made."""

    parts: ClassVar[Sequence[tuple[str | None, Mapping[str, Any]]]]
    """The fieldsets; the last one is for rows that there are already."""
    signed: ClassVar[str]
    """What its secret signs: "requests"."""
    counted: ClassVar[Any]
    """A lazy `ngettext` of how many rows (`count`) something was `done` to."""

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, and what the two buttons of a row's page post to."""
        view, name = self.admin_site.admin_view, self.opts.model_name
        return [
            path("<path:object_id>/test/", view(self.test_view), name=f"trackside_{name}_test"),
            path("<path:object_id>/rotate/", view(self.rotate_view), name=f"trackside_{name}_rotate"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return what is only shown: the name too, once others know the row by it."""
        shown = tuple(self.readonly_fields)
        return shown if obj is None else ("name", *shown)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the parts of the form; who may only look is not shown the fields of secrets."""
        if obj is None:
            return self.parts[:-1]
        if self.has_change_permission(request, obj):
            return self.parts
        return tuple(
            (title, {"fields": tuple(name for name in part["fields"] if name not in _ONLY_TYPED)})
            for title, part in self.parts
        )

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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # Django's own
        """Save, and note by whom."""
        obj.updated_by = request.user.get_username()
        if not change:
            obj.created_by = obj.updated_by
        super().save_model(request, obj, form, change)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:  # Django's own
        """Keep the secret that was made for as long as the request lasts."""
        request.new_secret = form.new_secret  # type: ignore[attr-defined]  # read by `response_add`
        return super().save_form(request, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret that was made, this once."""
        secret = getattr(request, "new_secret", None)
        if secret is None:
            return super().response_add(request, obj, post_url_continue)
        return self.secrets_page(request, {obj.name: secret})

    @admin.display(description="URL", ordering="url")
    def url_short(self, row: Any) -> str:
        """Return the URL, shortened, without what may be a key in it."""
        plain: str = row.url.partition("?")[0]
        return plain if len(plain) <= 60 else f"{plain[:59]}…"

    @admin.display(description="Signing")
    def signing(self, row: Any) -> str:
        """Return which keys sign, by their last characters."""
        if row is None or row.pk is None:
            return f"A secret is made when the {self.opts.verbose_name} is saved, and shown once."
        secrets = readable(row)
        if secrets is None:
            return "The secrets cannot be read with the keys in use: set them anew, or bring the key back."
        ends = ", ".join(f"…{key[-4:]}" for key in secrets.live_keys(timezone.now()))
        return f"Set, ends in {ends}" if ends else f"Not set: {self.signed} are not signed."

    def try_one(self, request: HttpRequest, row: Any) -> None:
        """Try the row out, and tell what came of it."""
        raise NotImplementedError

    def rotated(self, row: Any, by: str) -> str:
        """Return the new signing secret of the row, which is saved."""
        raise NotImplementedError

    @admin.action(description="Rotate the signing secret", permissions=("change",))
    def rotate(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Give the chosen ones new signing secrets, shown this once."""
        made: dict[str, str] = {}

        def rotate_one(row: Any) -> None:
            made[row.name] = self.rotated(row, request.user.get_username())

        self.do_each(request, rows, rotate_one, "rotated")
        return self.secrets_page(request, made) if made else None

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Try the row out and go back to its page."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        self.try_one(request, row)
        return self._back(row)

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the row a new signing secret, shown this once."""
        row = self._asked(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        return self.rotate(request, self.model.objects.filter(pk=row.pk)) or self._back(row)

    def do_each(
        self, request: HttpRequest, rows: QuerySet[Any], do: Callable[[Any], object], done: str
    ) -> None:
        """Do something to each of the rows, and tell how many it was done to, and why not to the others."""
        count = 0
        for row in rows:
            try:
                do(row)
            except TracksideError as error:
                self.message_user(
                    request, f"The {self.opts.verbose_name} {row.name}: {error}", messages.ERROR
                )
                continue
            self.log_change(request, row, f"{done.capitalize()}.")
            count += 1
        if count:
            self.message_user(request, self.counted % {"count": count, "done": done}, messages.SUCCESS)

    def secrets_page(self, request: HttpRequest, made: Mapping[str, str]) -> HttpResponse:
        """Return the page that shows secrets by the names of their rows, and that nobody keeps."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Signing secret",
            "opts": self.opts,
            "secrets": made,
            "back": reverse(f"admin:trackside_{self.opts.model_name}_changelist"),
        }
        page = TemplateResponse(request, "trackside/admin/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page

    def _back(self, row: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:trackside_{self.opts.model_name}_change", args=(row.pk,)))

    def _asked(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row that a button was pressed for, or what to answer instead. Raises PermissionDenied."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        return row if request.method == "POST" else HttpResponseNotAllowed(["POST"])
