"""The plugin of Tutor, with a real Tutor in an environment of its own."""
