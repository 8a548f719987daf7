"""Settings after the operator's YAML has been read, which may have replaced what was there in `common`."""

from trackside.openedx.settings.base import plugin_settings

__all__ = ["plugin_settings"]
