"""Configuration: flag > environment > file > default; each setting declared once."""

from trackside.config.declarations import Setting, describe
from trackside.config.first_start import FirstStart, first_start
from trackside.config.load import Loaded, load
from trackside.config.settings import Config, LimitSettings, LogSettings, WebhookRowSettings, setting

__all__ = [
    "Config",
    "FirstStart",
    "LimitSettings",
    "Loaded",
    "LogSettings",
    "Setting",
    "WebhookRowSettings",
    "describe",
    "first_start",
    "load",
    "setting",
]
