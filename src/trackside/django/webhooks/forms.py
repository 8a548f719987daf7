"""The admin's forms of a webhook and of a token: what is typed is read as the configuration file is."""

from typing import TYPE_CHECKING, Any

from django import forms
from trackside.django.webhooks import actions
from trackside.django.webhooks.content import NAME, Problems
from trackside.django.webhooks.form_fields import field_of, headers_of, headers_text, text_of, value_of
from trackside.django.webhooks.models import COLUMNS, ApiToken, Webhook, readable
from trackside.django.webhooks.refusals import Refusal
from trackside.django.webhooks.secrets import Secrets
from trackside.outbound.signing import new_secret

HEADERS = "secret_headers"
"""The field of the headers: by this name the events that are made of a site's requests leave its values out."""
HIDDEN_TEXTS = ("bearer_token", "basic_password", "oauth_client_secret")

if TYPE_CHECKING:
    _Form = forms.ModelForm[Webhook]
else:
    _Form = forms.ModelForm


class _WebhookForm(_Form):
    """Everything there is to say about a webhook; secrets can be replaced and removed, and are never shown."""

    class Meta:  # Django's own word
        model = Webhook
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.new_secret: str | None = None
        """The signing secret that was made because none was given: to be shown once."""
        self._secrets = readable(self.instance) or Secrets()
        for name in COLUMNS:
            self.initial[name] = text_of(name, getattr(self.instance, name))
        self.initial[HEADERS] = headers_text(self._secrets.headers)
        self.initial["known_revision"] = self.instance.revision
        for name in HIDDEN_TEXTS:
            self.fields[name].help_text += " " + (
                "Set; leave empty to keep it." if getattr(self._secrets, name) else "Not set."
            )
            self.fields[f"remove_{name}"].disabled = not getattr(self._secrets, name)

    def clean(self) -> dict[str, Any]:
        """Put what was typed into the instance, or tell beside each field what is wrong with it."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        is_new = self.instance._state.adding  # noqa: SLF001  # Django's own word
        if not is_new and cleaned.get("known_revision") != self.instance.revision:
            self.add_error(None, "Somebody else changed this webhook meanwhile; open it again.")
            return cleaned
        try:
            actions.prepared(self.instance, self._changes(cleaned, is_new=is_new), strict=False)
        except Refusal as error:
            self._tell(error.errors)
        except ValueError as error:
            self.add_error(HEADERS, str(error))
        return cleaned

    def _post_clean(self) -> None:
        """Do nothing: `clean` has read, checked and put in everything."""

    def _changes(self, cleaned: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
        changes = {name: value_of(name, cleaned[name]) for name in COLUMNS if name in cleaned}
        changes["headers"] = headers_of(cleaned.get(HEADERS, ""), self._secrets.headers)
        changes["description"] = cleaned.get("description", "")
        for name in HIDDEN_TEXTS:
            if cleaned.get(f"remove_{name}"):
                changes[name] = ""
            elif cleaned.get(name):
                changes[name] = cleaned[name]
        if is_new:
            changes["name"] = cleaned.get("name", "")
        if cleaned.get("unsigned"):
            changes["secret"] = ""
        elif cleaned.get("secret"):
            changes["secret"] = cleaned["secret"].strip()
        elif is_new:
            self.new_secret = changes["secret"] = new_secret()
        return changes

    def _tell(self, problems: Problems) -> None:
        for name, told in problems.items():
            shown = HEADERS if name == "headers" else name
            for sentence in told:
                self.add_error(shown if shown in self.fields else None, sentence)


def _secret_fields() -> dict[str, forms.Field]:
    hidden = forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"})
    secret = field_of("secret")
    fields: dict[str, forms.Field] = {
        "secret": forms.CharField(
            required=False,
            label="Signing secret",
            widget=hidden,
            help_text=f"{secret.help_text} A new webhook without one gets one, shown once; later, empty keeps it."
            " To replace it without a gap, rotate it instead.",
        ),
        "unsigned": forms.BooleanField(
            required=False,
            label="No signature",
            help_text="Requests carry no signature; the secret is removed.",
        ),
        HEADERS: forms.CharField(
            required=False,
            label="Headers",
            widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3, "spellcheck": "false"}),
            help_text=f"{field_of('headers').help_text} One a line, as Name: value; ******** keeps the value.",
        ),
    }
    for name in HIDDEN_TEXTS:
        shown = field_of(name)
        fields[name] = forms.CharField(
            required=False, label=shown.label, widget=hidden, help_text=shown.help_text, strip=False
        )
        fields[f"remove_{name}"] = forms.BooleanField(required=False, label=f"Remove: {shown.label}")
    return fields


WebhookForm: type[_WebhookForm] = type(
    "WebhookForm",
    (_WebhookForm,),
    {
        "__doc__": _WebhookForm.__doc__,
        "__module__": __name__,
        **{name: field_of(name) for name in COLUMNS},
        **_secret_fields(),
        "known_revision": forms.IntegerField(required=False, widget=forms.HiddenInput),
    },
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
