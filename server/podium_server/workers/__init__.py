"""Several processes that serve as one: `podium serve --workers N`.

A supervisor without models spawns N workers, each a whole server. All listen on the same two ports (SO_REUSEPORT): the
system gives each connection to one of them, and all calls of a connection stay with that worker. Supervisor and
worker speak over a pair of sockets that nobody else has.
"""
