"""The cases of the DNS once more, with the system's resolver and a server that answers as no server should.

server     what it answers, by the name that is asked for
namespace  a place of its own for a process: its own loopback, its own idea of who resolves names
scenario   what is sent to all the names, and what came of it: runs in that place
"""
