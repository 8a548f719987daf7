"""The exceptions of `eventtracking.exceptions`."""

from trackside.errors import ConfigurationError

ImproperlyConfigured = ConfigurationError
"""A setting is wrong."""
