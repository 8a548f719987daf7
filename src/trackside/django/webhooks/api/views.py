"""What each path of the API does."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from trackside.django.webhooks import actions, backlog, listing
from trackside.django.webhooks.api.exchange import answer, api, only, problem, table
from trackside.django.webhooks.api.shown import of_dead_letter, of_trial, of_webhook
from trackside.django.webhooks.api.who import Stopped, require, user_of_request

MOST_LETTERS: Final = 500


@api
def webhooks(request: HttpRequest) -> HttpResponse:
    """List all webhooks, or make one."""
    user = user_of_request(request)
    method = only(request, "GET", "POST")
    if method == "GET":
        require(user, "view")
        return answer({"webhooks": [of_webhook(each) for each in listing.webhooks()]})
    require(user, "add")
    made = actions.create(table(request), by=user.get_username())
    shown = of_webhook(listing.webhook(made.row.name))
    if made.secret is not None:
        shown["new_secret"] = made.secret
    created = answer(shown, 201 if made.is_new else 200)
    if made.is_new:
        created["Location"] = f"{request.path.rstrip('/')}/{made.row.name}"
    return created


@api
def one_webhook(request: HttpRequest, name: str) -> HttpResponse:
    """Show, change or delete a webhook."""
    user = user_of_request(request)
    match only(request, "GET", "PATCH", "DELETE"):
        case "GET":
            require(user, "view")
        case "PATCH":
            require(user, "change")
            changes = table(request)
            actions.change(name, changes, by=user.get_username(), revision=_revision(changes))
        case _:
            require(user, "delete")
            actions.delete(name, by=user.get_username())
            return HttpResponse(status=204)
    return answer(of_webhook(listing.webhook(name)))


@api
def act(request: HttpRequest, name: str, verb: str) -> HttpResponse:
    """Test, rotate, pause, resume, enable or disable a webhook."""
    user = user_of_request(request)
    only(request, "POST")
    require(user, "change")
    by = user.get_username()
    match verb:
        case "test":
            return answer(of_trial(actions.try_out(name, by=by)))
        case "rotate":
            return answer({"new_secret": actions.rotate(name, by=by, overlap_s=_overlap_s(table(request)))})
        case "pause" | "resume":
            backlog.pause(name, paused=verb == "pause")
        case "enable":
            actions.enable(name, by=by)
        case _:
            actions.disable(name, by=by)
    return answer(of_webhook(listing.webhook(name)))


@api
def dead_letters(request: HttpRequest, name: str) -> HttpResponse:
    """List what a webhook did not take, a page at a time."""
    require(user_of_request(request), "view")
    only(request, "GET")
    limit = _number(request, "limit", 100, 1, MOST_LETTERS)
    letters = backlog.dead_letters(name, limit=limit, after=_number(request, "after", 0, 0, 2**62))
    more = letters[-1].position if len(letters) == limit else None
    return answer({"dead_letters": [of_dead_letter(each) for each in letters], "next_after": more})


@api
def retry_dead_letters(request: HttpRequest, name: str) -> HttpResponse:
    """Try dead letters again: those of `positions`, or with `all` every one."""
    require(user_of_request(request), "change")
    only(request, "POST")
    asked = table(request)
    positions, everything = asked.get("positions"), asked.get("all", False)
    if unknown := sorted(set(asked) - {"positions", "all"}):
        return problem(400, {unknown[0]: [f"{unknown[0]} is not known here; want positions or all"]})
    if everything is True and positions is None:
        return answer({"retried": backlog.retry_dead(name, None)})
    if everything is not False or not _are_positions(positions):
        return problem(400, {"positions": ["want a list of positions, or all: true"]})
    return answer({"retried": backlog.retry_dead(name, positions)})


@api
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Tell that there is nothing at this path."""
    user_of_request(request)
    raise Stopped(404, "there is nothing at this path")


def _revision(changes: dict[str, Any]) -> int | None:
    revision = changes.pop("revision", None)
    if revision is not None and (not isinstance(revision, int) or isinstance(revision, bool)):
        raise Stopped(400, "revision is the number that the webhook was read with")
    return revision


def _overlap_s(asked: dict[str, Any]) -> float | None:
    given = asked.pop("overlap_s", None)
    if asked:
        raise Stopped(400, f"{min(asked)} is not known here; want overlap_s or nothing")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 31_536_000:
        raise Stopped(400, "overlap_s is no number of seconds up to a year")
    return float(given)


def _number(request: HttpRequest, name: str, default: int, low: int, high: int) -> int:
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise Stopped(400, f"{name} is no number from {low} to {high}")
    return int(text)


def _are_positions(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, int) and not isinstance(each, bool) and 0 < each < 2**62 for each in value
    )
