"""The least the same HTTP server can cost: read the body, answer 200, keep nothing."""
