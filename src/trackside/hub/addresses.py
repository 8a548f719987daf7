"""Where destinations may send to, as they are configured."""

from trackside.config.settings import Config
from trackside.destinations.segment import SegmentSettings
from trackside.outbound.policy import AddressPolicy


def address_policy(settings: SegmentSettings) -> AddressPolicy:
    """Return which addresses a destination may reach. Raises ConfigurationError for an entry that names none."""
    return AddressPolicy(allow=settings.allow, allow_private_networks=settings.allow_private_networks)


def webhook_policy(config: Config) -> AddressPolicy:
    """Return which addresses webhooks of the database may reach. Raises ConfigurationError."""
    rows = config.webhooks
    return AddressPolicy(allow=rows.allow, allow_private_networks=rows.allow_private_networks)
