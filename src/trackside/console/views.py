"""Pages of the console."""

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from trackside.console import live, login_link, overview
from trackside.django.webhooks.models import Webhook

ADMIN_NAME = "admin"


@require_safe
@never_cache
@staff_member_required
def home(request: HttpRequest) -> HttpResponse:
    """Show what came in last, what was rejected and why, and how each destination stands."""
    current = live.current()
    rows = Webhook.objects.values_list("name", flat=True)
    page = overview.read(current.log, tuple(dict.fromkeys((*current.destinations, *rows))))
    return render(request, "trackside_console/home.html", {"page": page, "curl": current.curl})


@require_GET  # a HEAD, such as a chat's preview of the link, must not use it up
@never_cache
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log the administrator in by the link that `trackside serve` printed."""
    user = get_user_model().objects.filter(username=ADMIN_NAME, is_active=True).first()
    if user is None or not login_link.redeem(live.current().login_file, token):
        return render(request, "trackside_console/link_used.html", status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("console:home")
