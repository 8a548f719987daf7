"""Our views in the place of two of the platform's, whose URLconf has its own first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from trackside.django.views import segmentio_event, user_track
from trackside.openedx.tracking import views_taken

View = Callable[[HttpRequest], HttpResponse]

_VIEWS: dict[str, View] = {"event": user_track, "segmentio": segmentio_event}


class TrackingViewsMiddleware:
    """Answers `/event` and `/segmentio/event` where `TRACKSIDE["tracking"]` says so; all else goes on.

    Stands after all others: session, user and context of the request are known then. No view is looked up, so the
    checks of the platform's views (a CSRF token, a transaction) are not made; ours have their own.
    """

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response
        self._views = {path: _VIEWS[name] for path, name in views_taken().items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return our view's response, or that of what is further in."""
        view = self._views.get(request.path_info)
        return self._get_response(request) if view is None else view(request)
