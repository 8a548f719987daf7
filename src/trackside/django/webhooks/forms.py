"""The admin's forms of a webhook and of a token: what is typed is read as the configuration file is."""

from typing import TYPE_CHECKING, Any

from django import forms
from trackside.destinations.webhook import WebhookSettings
from trackside.django.secret_rows.form_fields import FormFields
from trackside.django.secret_rows.forms import HEADERS, HIDDEN_TEXTS, SecretRowForm, declared_fields
from trackside.django.secret_rows.offers import OfferingLines, offered
from trackside.django.webhooks import actions
from trackside.django.webhooks.content import NAME
from trackside.django.webhooks.models import COLUMNS, ApiToken, Webhook

__all__ = ["HEADERS", "HIDDEN_TEXTS", "TokenForm", "WebhookForm"]
_FIELDS = FormFields(WebhookSettings)


class _WebhookForm(SecretRowForm):
    """Everything there is to say about a webhook; secrets can be replaced and removed, and are never shown."""

    columns = COLUMNS
    settings_fields = _FIELDS
    what = "webhook"

    class Meta:  # Django's own word
        model = Webhook
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if names := offered("events"):
            events = self.fields["events"]
            events.widget, events.required = OfferingLines(names), True
            events.help_text += (
                f" {len(names)} are offered as you type, by any part of their names; * is all."
            )
            if self.instance._state.adding:  # noqa: SLF001  # Django's own word
                self.initial["events"] = ""  # who is offered events means one of them

    def put_in(self, changes: dict[str, Any]) -> None:
        """Give the instance what was typed. Raises Refusal."""
        assert isinstance(self.instance, Webhook)  # noqa: S101  # of a type variable that Django's form has not
        actions.prepared(self.instance, changes, strict=False)


WebhookForm: type[_WebhookForm] = type(
    "WebhookForm",
    (_WebhookForm,),
    {"__doc__": _WebhookForm.__doc__, "__module__": __name__, **declared_fields(_FIELDS, COLUMNS, "webhook")},
)

if TYPE_CHECKING:
    _Token = forms.ModelForm[ApiToken]
else:
    _Token = forms.ModelForm


class TokenForm(_Token):
    """A new token: its name, and whose permissions count."""

    asked_by: Any = None
    """The user who asks: only superusers may make tokens for others."""
    username = forms.CharField(
        max_length=255, help_text="The user whose permissions count: what they may not do, the token may not."
    )

    class Meta:  # noqa: D106  # Django's own word
        model = ApiToken
        fields = ("name",)

    def clean_name(self) -> str:
        """Return a name that is good."""
        name = str(self.cleaned_data["name"])
        if not NAME.fullmatch(name):
            raise forms.ValidationError("Want up to 64 letters, digits, _ and -.")
        return name

    def clean_username(self) -> str:
        """Return the name of a user there is."""
        from trackside.django.webhooks.tokens import user_named

        username = str(self.cleaned_data["username"])
        asked_by = self.asked_by
        if asked_by is not None and not asked_by.is_superuser and username != asked_by.get_username():
            raise forms.ValidationError("Only superusers can make tokens for others.")
        if user_named(username) is None:
            raise forms.ValidationError(f"There is no user {username!r}.")
        return username
