"""How commands end, beside 0: scripts rely on these."""

FAILED = 1
"""Some of the work, or all of it, was not done."""

WRONG_COMMAND = 2
"""The command or a setting is wrong, and nothing was begun."""

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""
