"""Each event as a signed request to somebody's URL.

destination  open, send, checkpoint, close: what the delivery worker calls
turn         one `send`: what is under way side by side
requests     event → request; bodies: event → body, and which events and fields are asked for
recording    what of requests and answers is kept to be looked at
pace, queues: how fast, what goes after what
checks       what is wrong with the settings; trying: a test event

What it shares with other destinations that have a URL stands beside this folder: answers, breaker, connecting,
endpoint.
"""

from trackside.destinations.connecting import connector, policy_of
from trackside.destinations.webhook.checks import problems
from trackside.destinations.webhook.destination import Moments, Webhook
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.destinations.webhook.trying import Trial, try_out_now

__all__ = [
    "Moments",
    "Trial",
    "Webhook",
    "WebhookSettings",
    "connector",
    "policy_of",
    "problems",
    "try_out_now",
]
