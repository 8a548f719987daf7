"""Destinations: each sends events to one kind of place, and says of each event what became of it."""
