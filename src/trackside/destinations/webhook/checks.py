"""What is wrong with the settings of a webhook, beyond what each of them says alone."""

from collections.abc import Callable, Iterator

from trackside.destinations.webhook.bodies import Bodies
from trackside.destinations.webhook.bodies.json_object import ROOTS
from trackside.destinations.webhook.connecting import check_credentials, check_proxy, policy_of
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.errors import ConfigurationError
from trackside.outbound.signing import Signer
from trackside.outbound.url import parse_url


def problems(settings: WebhookSettings) -> Iterator[str]:
    """Return one sentence for each thing that is wrong; it begins with the setting's name."""
    if isinstance(reason := parse_url(settings.url), str):
        yield f"url cannot be asked: {reason}"
    for setting, paths in (("where", settings.where), ("fields", settings.fields)):
        for path in paths:
            if path.partition(".")[0] not in ROOTS:
                yield f"{setting} has the path {path!r}; want one that begins with {', '.join(sorted(ROOTS))}"
    for setting, check in _checks(settings):
        try:
            check()
        except ConfigurationError as error:
            yield f"{setting}: {error}"


def _checks(settings: WebhookSettings) -> Iterator[tuple[str, Callable[[], object]]]:
    if settings.secrets:
        yield "secret", lambda: Signer(settings.secrets)
    yield "redact", lambda: Bodies(settings)
    yield "allow", lambda: policy_of(settings)
    yield "proxy", lambda: check_proxy(settings)
    yield "headers", lambda: check_credentials(settings)
