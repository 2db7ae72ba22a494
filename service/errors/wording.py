"""What pydantic says of a value that cannot be used, in words for whoever sent it."""

from pydantic_core import ErrorDetails

OURS = "Value error, "
"""Before what our own validators say."""


def wording_of(entry: ErrorDetails) -> str:
    """Without the names of Python's types, which nobody sends."""
    bounds = entry.get("ctx", {})
    match entry["type"]:
        case "model_type" | "model_attributes_type" | "dict_type":
            return "a JSON object is wanted"
        case "too_short":
            return f"at least {bounds['min_length']} are wanted, not {bounds['actual_length']}"
        case "too_long":
            return f"at most {bounds['max_length']} are taken, not {bounds['actual_length']}"
    return entry["msg"].removeprefix(OURS)
