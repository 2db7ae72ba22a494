"""Keeps the answers of one build of the service and finds what another build answers differently.

Knows the service from outside only: HTTP, WebSocket and the command line. `scripts/record_answers.py` is the command.
"""
