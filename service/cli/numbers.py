"""Numbers that flags take. argparse names the function in what it says of a ValueError, so none is let out of here."""

import argparse


def count(text: str) -> int:
    """1 or more. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def positive(text: str) -> float:
    """Above 0, below 1e9. Raises ArgumentTypeError."""
    return _between(text, 1e-9, 1e9, "a number above 0")


def seconds(text: str) -> float:
    """From 0.1 to 3600. Raises ArgumentTypeError."""
    return _between(text, 0.1, 3600.0, "a number of seconds from 0.1 to 3600")


def _between(text: str, least: float, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return number
