"""What a Django project says about Trackside: `settings.TRACKSIDE` and the names Open edX sites already have."""

from trackside.django.settings.current import current, read, reset
from trackside.django.settings.declared import DjangoSettings

__all__ = ["DjangoSettings", "current", "read", "reset"]
