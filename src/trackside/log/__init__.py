"""The durable, ordered record of events, and each destination's place in it."""
