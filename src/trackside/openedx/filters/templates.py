"""Names of templates that an answer gives: only such as the platform has."""

import re
from typing import Annotated, Final

import msgspec

from trackside.webfilters.points import Unfit

TemplateName = Annotated[str, msgspec.Meta(max_length=200, min_length=1)]
_NAME: Final = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*")


def check_template(name: str) -> str:
    """Return the name, if one of the platform's engines has a template of it. Raises Unfit."""
    from django.template.loader import get_template

    if not _NAME.fullmatch(name):
        raise Unfit("the template's name is none")
    try:
        get_template(name)
    except Exception:  # noqa: BLE001  # whatever an engine raises: the platform could not render it either
        raise Unfit("the platform has no such template") from None
    return name
