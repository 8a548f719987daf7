"""Clients with their own clock: AppRTC's analytics page."""

from trackside.sources.client_clock.settings import AppRtcSettings
from trackside.sources.client_clock.source import AppRtc

__all__ = ["AppRtc", "AppRtcSettings"]
