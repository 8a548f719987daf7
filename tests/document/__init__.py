"""JSON objects that leave."""
