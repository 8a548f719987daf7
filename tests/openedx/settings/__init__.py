"""Settings of the plugin."""
