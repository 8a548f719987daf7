"""SQLite files as all parts that keep something use them.

schema    what a file looks like, and how it is told to be ours before it is touched
database  its connections: one writer at a time over all processes, nothing open across a fork
space     what of it is used, and what goes back to the file system
instants  moments as numbers
"""
