"""The admin's pages of the API's tokens."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from trackside.django.webhooks import tokens
from trackside.django.webhooks.forms import TokenForm
from trackside.django.webhooks.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Tokens are made, looked at and deleted; there is nothing of them to change."""

    form = TokenForm
    list_display = ("name", "username", "created_at", "created_by", "last_used_at")
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return what is asked for of a new one, and what is shown of one there is."""
        return ("name", "username") if obj is None else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return everything, of one there is."""
        return () if obj is None else self.list_display

    def get_form(
        self,
        request: HttpRequest,
        obj: ApiToken | None = None,
        change: bool = False,
        **kwargs: Any,  # Django's own
    ) -> Any:
        """Return the form, which knows who asks."""
        made = super().get_form(request, obj, change=change, **kwargs)
        return type(made.__name__, (made,), {"asked_by": request.user})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return who asks as whose permissions count."""
        return {"username": request.user.get_username(), **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:  # noqa: ARG002
        """Nobody changes anything."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:  # noqa: ARG002
        """Make the token."""
        row, token = tokens.create(
            obj.name, username=form.cleaned_data["username"], by=request.user.get_username()
        )
        obj.pk, obj.digest, obj.user_key, obj.created_at = row.pk, row.digest, row.user_key, row.created_at
        obj.created_by = row.created_by
        request.new_token = token  # type: ignore[attr-defined]  # read by `response_add`

    def response_add(
        self,
        request: HttpRequest,
        obj: ApiToken,
        post_url_continue: str | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Show the token, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": "API token",
            "opts": self.opts,
            "secrets": {obj.name: getattr(request, "new_token", "")},
            "back": reverse("admin:trackside_apitoken_changelist"),
        }
        page = TemplateResponse(request, "trackside/admin/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page

    @admin.display(description="user")
    def username(self, row: ApiToken) -> str:
        """Return whose permissions count."""
        return tokens.username_of(row) or "nobody: the user is gone"
