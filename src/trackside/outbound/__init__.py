"""Requests to addresses that somebody else chose: within a deadline, to nobody who must not be reached."""
