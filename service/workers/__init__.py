"""Worker processes: each owns one device, loads every model once and answers batches.

Nothing is imported here: a worker needs little of what the service's side of it needs.
"""
