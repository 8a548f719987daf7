"""What happens in a browser, as the pages of the Open edX LMS tell it."""

from trackside.sources.browser.settings import BrowserSettings
from trackside.sources.browser.source import Browser

__all__ = ["Browser", "BrowserSettings"]
