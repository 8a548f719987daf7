"""Processors of the tracker: callables that take an event and give it on, changed or not, or end it.

A processor returns None (the event stays as it is, or was changed in place), a new event, or raises
`EventEmissionExit`. A class that says `mutates = False` never changes in place what it was given, which spares
a copy of the event. One that says `fails_closed = True` protects something: where it raises, the event does not
go on along its branch.
"""
