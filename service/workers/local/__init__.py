"""Workers on this machine: one process for each, which gets its pixels through shared memory.

Nothing is imported here: a worker needs little of what the service's side of it needs.
"""
