"""What is wrong with the settings of a webhook, beyond what each of them says alone."""

from collections.abc import Iterator

from trackside.destinations.connecting import url_problems
from trackside.destinations.event_json import ROOTS
from trackside.destinations.webhook.bodies import Bodies
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.errors import ConfigurationError


def problems(settings: WebhookSettings) -> Iterator[str]:
    """Return one sentence for each thing that is wrong; it begins with the setting's name."""
    yield from url_problems(settings)
    for setting, paths in (("where", settings.where), ("fields", settings.fields)):
        for path in paths:
            if path.partition(".")[0] not in ROOTS:
                yield f"{setting} has the path {path!r}; want one that begins with {', '.join(sorted(ROOTS))}"
    try:
        Bodies(settings)
    except ConfigurationError as error:
        yield f"redact: {error}"
