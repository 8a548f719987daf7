"""From openedx-webhooks to here."""
