"""What the plugin adds to the platform's settings: one module for each moment at which its loader asks."""
