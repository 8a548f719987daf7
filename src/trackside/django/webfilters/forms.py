"""The admin's form of a webfilter: what is typed is read as a hook of the settings is."""

from typing import Any, Final

from trackside.django.secret_rows.form_fields import FormFields
from trackside.django.secret_rows.forms import SecretRowForm, declared_fields
from trackside.django.secret_rows.offers import OfferingInput, offered
from trackside.django.webfilters import actions
from trackside.django.webfilters.models import COLUMNS, Webfilter
from trackside.webfilters import POINTS, Hook

_FIELDS = FormFields(Hook, where="course_id")
_MOST_LISTED: Final = 5


class _WebfilterForm(SecretRowForm):
    """Everything there is to say about a webfilter; secrets can be replaced and removed, and are never shown."""

    columns = COLUMNS
    settings_fields = _FIELDS
    what = "webfilter"

    class Meta:  # Django's own word
        model = Webfilter
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = offered("point") or [(name, point.sentence) for name, point in sorted(POINTS.items())]
        if names:
            self.fields["point"].widget = OfferingInput(names)
        if len(names) <= _MOST_LISTED:
            declared = ", ".join(name for name, _ in names) or "none"
            self.fields["point"].help_text += f" Declared in this process: {declared}."
        else:
            self.fields[
                "point"
            ].help_text += f" {len(names)} are offered as you type, by any part of their names."

    def put_in(self, changes: dict[str, Any]) -> None:
        """Give the instance what was typed. Raises Refusal."""
        assert isinstance(self.instance, Webfilter)  # noqa: S101  # of a type variable that Django's form has not
        actions.prepared(self.instance, changes, strict=False)


WebfilterForm: type[_WebfilterForm] = type(
    "WebfilterForm",
    (_WebfilterForm,),
    {
        "__doc__": _WebfilterForm.__doc__,
        "__module__": __name__,
        **declared_fields(_FIELDS, COLUMNS, "webfilter"),
    },
)
