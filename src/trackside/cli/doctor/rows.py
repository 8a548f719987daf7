"""The webhooks of the database: can they be used, and why were some given up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from trackside.cli.doctor.destinations import check_endpoint
from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.cli.site import has_site, site_of
from trackside.config.load import Loaded
from trackside.config.settings import Config
from trackside.errors import ConfigurationError, TracksideError

if TYPE_CHECKING:
    from trackside.django.webhooks.models import Webhook

_WAITING = "Its events wait in the log."


def check_rows(loaded: Loaded) -> Iterator[Finding]:
    """Look at each webhook of the database, where there is one; what the log knows of it is told elsewhere."""
    if not has_site(loaded.config):
        return
    try:
        with site_of(loaded.config):
            from trackside.django.webhooks.models import Webhook

            findings = [_check(row, loaded.config) for row in Webhook.objects.order_by("name")]
    except (TracksideError, click.ClickException) as problem:
        text = problem.message if isinstance(problem, click.ClickException) else str(problem)
        findings = [
            error(
                "webhooks",
                text,
                "Whom the database declares is not known, and gets nothing new.",
                "Start the server once, or migrate the project's database; see whether it runs.",
            )
        ]
    yield from findings


def _check(row: "Webhook", config: Config) -> Finding:
    from trackside.django.webhooks.content import settings_of

    if row.name in config.destinations:
        return error(
            row.name,
            "the database declares a webhook of the same name as the file",
            "That of the file counts: nothing is sent by the other.",
            "Give one of them another name.",
        )
    try:
        settings = settings_of(row, now=datetime.now(UTC))
    except ConfigurationError as problem:
        return error(row.name, str(problem), _WAITING, f"trackside webhooks set {row.name} SETTING=VALUE")
    if row.disabled_reason:
        return warning(
            row.name,
            f"was given up: {row.disabled_reason}",
            _WAITING,
            f"Repair what it says, then: trackside webhooks enable {row.name}",
        )
    if not row.is_active:
        return ok(row.name, "is disabled")
    return check_endpoint(row.name, settings, of="its ", rules="webhooks.")
