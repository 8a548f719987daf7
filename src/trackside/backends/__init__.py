"""Backends: the in-process receivers of a tracker's events, each an object with `send(event)`.

A class that says `mutates = False` neither changes the event it is given nor keeps any part of it after `send`
has returned; it is given the event itself. Every other backend is given a copy of its own.
"""
