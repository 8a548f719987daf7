"""Whether a request comes from this site's own pages, or from those it trusts."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from trackside.sources.browser.refused import Refused
from trackside.sources.origins import is_origin_of


def refuse_foreign(request: HttpRequest) -> None:
    """Return where no browser says that another site made it send this in its user's name. Raises Refused."""
    origin = request.META.get("HTTP_ORIGIN")
    if not origin:
        if request.META.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            raise Refused(403, "foreign", "events of another site are not taken")
        return
    host = str(origin).partition("://")[2]
    try:
        own = request.get_host()
    except DisallowedHost as error:
        raise Refused(400, "malformed", "the host is not one of this site's") from error
    if host and (host == own or any(is_origin_of(each, origin) for each in settings.CSRF_TRUSTED_ORIGINS)):
        return
    raise Refused(403, "foreign", "events of another site are not taken")
