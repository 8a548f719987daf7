"""The admin's form of a row with secrets: what is typed is read as a configuration is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from trackside.django.secret_rows.changes import Problems
from trackside.django.secret_rows.form_fields import FormFields, headers_of, headers_text
from trackside.django.secret_rows.refusals import Refusal
from trackside.django.secret_rows.rows import SecretRow, readable
from trackside.django.secret_rows.secrets import Secrets
from trackside.outbound.signing import new_secret

HEADERS = "secret_headers"
"""The field of the headers: by this name the events that are made of a site's requests leave its values out."""
HIDDEN_TEXTS = ("bearer_token", "basic_password", "oauth_client_secret")

if TYPE_CHECKING:
    _Form = forms.ModelForm[SecretRow]
else:
    _Form = forms.ModelForm


class SecretRowForm(_Form):
    """Everything there is to say about a row; secrets can be replaced and removed, and are never shown."""

    columns: ClassVar[tuple[str, ...]]
    settings_fields: ClassVar[FormFields]
    what: ClassVar[str]
    """What people call such a row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.new_secret: str | None = None
        """The signing secret that was made because none was given: to be shown once."""
        self._secrets = readable(self.instance) or Secrets()
        for name in self.columns:
            self.initial[name] = self.settings_fields.text_of(name, getattr(self.instance, name))
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
            self.add_error(None, f"Somebody else changed this {self.what} meanwhile; open it again.")
            return cleaned
        try:
            self.put_in(self._changes(cleaned, is_new=is_new))
        except Refusal as error:
            self._tell(error.errors)
        except ValueError as error:
            self.add_error(HEADERS, str(error))
        return cleaned

    def put_in(self, changes: dict[str, Any]) -> None:
        """Give the instance what was typed. Raises Refusal."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        """Do nothing: `clean` has read, checked and put in everything."""

    def _changes(self, cleaned: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
        changes = {
            name: self.settings_fields.value_of(name, cleaned[name])
            for name in self.columns
            if name in cleaned
        }
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


def declared_fields(fields_of: FormFields, columns: tuple[str, ...], what: str) -> dict[str, forms.Field]:
    """Return the fields of the settings, those of secrets among them, and the revision that was looked at."""
    return {
        **{name: fields_of.field_of(name) for name in columns},
        **_secret_fields(fields_of.field_of, what),
        "known_revision": forms.IntegerField(required=False, widget=forms.HiddenInput),
    }


def _secret_fields(field_of: Callable[[str], forms.Field], what: str) -> dict[str, forms.Field]:
    hidden = forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"})
    secret = field_of("secret")
    fields: dict[str, forms.Field] = {
        "secret": forms.CharField(
            required=False,
            label="Signing secret",
            widget=hidden,
            help_text=f"{secret.help_text} A new {what} without one gets one, shown once; later, empty keeps it."
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
