"""The attempts of webhooks, kept to be looked at: what was sent, what was answered.

base     an attempt, and the contracts of who writes and who reads
records  an attempt as bytes
journal  a ring in a file that outlives the process: what is under way, and what is not in the database yet
gathering  what is noted in one turn of an event loop
sqlite   the database: groups of attempts, the thread that brings the ring's content there, how they are found
"""
