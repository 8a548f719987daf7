"""Sends every public signal that openedx-webhooks subscribes to, with a webhook of its own for each; prints the count.

For an environment that has openedx-webhooks, in a process of its own; the deliveries are counted where it hands them
to `requests`.
"""

import logging
from unittest import mock

from django.conf import settings

import django


def main() -> None:
    """Count."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "openedx_events", "openedx_webhooks"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGGING={},
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from django.utils.module_loading import import_string
    from openedx_events.tooling import OpenEdxPublicSignal
    from openedx_webhooks import receivers
    from openedx_webhooks.apps import WebhooksConfig
    from openedx_webhooks.models import Webhook

    from tests.openedx.generated import arguments

    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    for config in WebhooksConfig.plugin_app["signals_config"].values():
        for each in config["receivers"]:
            signal = import_string(each["signal_path"])
            signal.connect(getattr(receivers, each["receiver_func_name"]), dispatch_uid=each["signal_path"])
    for name, _ in Webhook._meta.get_field("event").choices:
        Webhook.objects.create(event=name, webhook_url="http://127.0.0.1:9/")
    delivered = 0
    with mock.patch("requests.post") as post:
        for signal in OpenEdxPublicSignal.all_events():
            before = post.call_count
            signal.send_event(**arguments(signal))
            delivered += post.call_count > before
    print(delivered, len(OpenEdxPublicSignal.all_events()))


if __name__ == "__main__":
    main()
