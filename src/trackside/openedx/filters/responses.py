"""Responses that an answer gives instead of a page."""

from typing import Annotated, Any, Final

import msgspec
from django.http import HttpResponse
from msgspec import Struct

from trackside.openedx.filters.headers import check_header
from trackside.webfilters.points import RedirectUrl, Unfit

SANDBOX: Final = "sandbox allow-forms allow-popups allow-top-navigation-by-user-activation"
CONTENT_BYTES: Final = 262_144
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


class CustomResponse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be said of a response."""

    content: Annotated[str, msgspec.Meta(max_length=CONTENT_BYTES)] = ""
    content_type: Annotated[
        str,
        msgspec.Meta(
            pattern=r"\A(?:text/(?:html|plain|css|csv|xml)|application/json)(?: *; *charset=(?i:utf-?8))?\Z"
        ),
    ] = "text/html"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    reason: Annotated[str, msgspec.Meta(pattern=r"\A[\x20-\x7e]{0,100}\Z")] | None = None
    headers: dict[str, str] = {}

    def made(self, *, trusted_html: bool) -> HttpResponse:
        """Return the response. Raises Unfit for a header that it may not have."""
        if self.status in {204, 304}:
            response = HttpResponse(status=self.status, reason=self.reason)
        else:
            kind = self.content_type.partition(";")[0].strip()
            response = HttpResponse(
                self.content, content_type=f"{kind}; charset=utf-8", status=self.status, reason=self.reason
            )
        for name, value in self.headers.items():
            if name.lower() == "location":
                response[name] = _place(value, self.status)
            else:
                check_header(name, value)
                response[name] = value
        response["X-Content-Type-Options"] = "nosniff"
        if not trusted_html:
            response["Content-Security-Policy"] = SANDBOX
        return response


FIELDS: Final[dict[str, Any]] = {
    field.name: field.type for field in msgspec.structs.fields(CustomResponse)
} | {"response": str | CustomResponse | None}
"""Fields of an exception that carries a response: its parts by themselves, or all of them as `response`."""


def response_from(message: str, fields: dict[str, Any], *, trusted_html: bool) -> HttpResponse:
    """Return the response that an exception's fields say; without any, the message as a text. Raises Unfit."""
    given = fields.pop("response", None)
    parts = {name: fields.pop(name) for name in CustomResponse.__struct_fields__ if name in fields}
    if isinstance(given, str):
        given = CustomResponse(content=given, content_type="text/plain")
    if given is None:
        given = CustomResponse(**parts) if parts else text_response(message)
    made: HttpResponse = given.made(trusted_html=trusted_html)
    return made


def text_response(message: str, status: int = 403) -> CustomResponse:
    """Return a response that says why there is no page."""
    return CustomResponse(content=message, content_type="text/plain", status=status)


def _place(url: str, status: int) -> str:
    try:
        place: str = msgspec.convert(url, RedirectUrl)
    except msgspec.ValidationError:
        place = ""
    if not place or status not in _REDIRECTS:
        raise Unfit("the response leads nowhere; want a status of 301 to 308 and an http(s) URL or a path")
    return place
