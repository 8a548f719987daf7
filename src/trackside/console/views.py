"""Pages of the console."""

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model, login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from trackside.console import actions, attempts, live, login_link, overview, rows
from trackside.console import destination as destination_page

ADMIN_NAME = "admin"
LONGEST_NUMBER = 19
"""Digits of a position."""


@require_safe
@never_cache
@staff_member_required
def home(request: HttpRequest) -> HttpResponse:
    """Show what came in last, what was rejected and why, and how each destination stands."""
    current = live.current()
    page = overview.read(current.log, tuple(dict.fromkeys((*current.destinations, *rows.names()))))
    return render(request, "trackside_console/home.html", {"page": page, "curl": current.curl})


@require_safe
@never_cache
@staff_member_required
def destination(request: HttpRequest, name: str) -> HttpResponse:
    """Show how one destination stands: what waits and when it is tried, what died and why."""
    current = live.current()
    page = destination_page.read(current.log, name)
    if page is None:
        raise Http404(f"There is no destination {name}.")
    before = request.GET.get("before", "")
    listed = attempts.newest(
        current.log,
        current.attempts(),
        name,
        chosen=request.GET.get("attempts", ""),
        before=int(before) if _is_number(before) else None,
    )
    context = {
        "page": page,
        "attempts": listed,
        "may": _may(request),
        "row": rows.row(name),
        "stays": bool(before),
    }
    return render(request, "trackside_console/destination.html", context)


@require_safe
@never_cache
@staff_member_required
def attempt(request: HttpRequest, number: int) -> HttpResponse:
    """Show one attempt: what was sent, what was answered, and when it is tried again."""
    current = live.current()
    page = attempts.read(current.log, current.attempts(), number)
    if page is None:
        raise Http404("This attempt is not kept.")
    return render(request, "trackside_console/attempt.html", {"page": page, "may": _may(request)})


@require_POST
@staff_member_required
def act(request: HttpRequest, name: str) -> HttpResponse:
    """Do to a destination what its page's buttons say, and show the page again."""
    if not _may(request):
        raise PermissionDenied
    given = request.POST.getlist("position")
    if not all(map(_is_number, given)):
        return HttpResponseBadRequest("position is a whole number")
    positions = [int(each) for each in given]
    everything = request.POST.get("all") == "1"
    action = request.POST.get("action", "")
    if action in {"retry", "discard", "resend"} and not (positions or everything):
        return HttpResponseBadRequest("name positions, or all")
    told = actions.act(live.current().log, name, action, None if everything else positions)
    if told is None:
        raise Http404
    messages.success(request, told)
    return redirect("console:destination", name=name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER


def _may(request: HttpRequest) -> bool:
    return request.user.has_perm("trackside.change_webhook")


@require_GET  # a HEAD, such as a chat's preview of the link, must not use it up
@never_cache
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log the administrator in by the link that `trackside serve` printed."""
    user = get_user_model().objects.filter(username=ADMIN_NAME, is_active=True).first()
    if user is None or not login_link.redeem(live.current().login_file, token):
        return render(request, "trackside_console/link_used.html", status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("console:home")
