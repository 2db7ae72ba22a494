"""What pydantic says of a value that cannot be used, in words for whoever sent it."""

from pydantic_core import ErrorDetails

OURS = "Value error, "
"""Before what our own validators say."""

ABOUT_INPUT = "Input should be "
"""Before what pydantic says of a bound, or of the words that there are."""


def wording_of(entry: ErrorDetails) -> str:
    """Without the names of Python's types, which nobody sends."""
    bounds = entry.get("ctx", {})
    match entry["type"]:
        case "missing":
            return "it is missing"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "a JSON object is wanted"
        case "too_short":
            return f"at least {bounds['min_length']} are wanted, not {bounds['actual_length']}"
        case "too_long":
            return f"at most {bounds['max_length']} are taken, not {bounds['actual_length']}"
        case "bool_parsing" | "bool_type":
            return "true or false is wanted"
        case "int_parsing" | "int_type" | "int_from_float":
            return "a whole number is wanted"
        case "float_parsing" | "float_type" | "finite_number":
            return "a number is wanted"
    said = entry["msg"].removeprefix(OURS)
    return f"it has to be {said.removeprefix(ABOUT_INPUT)}" if said.startswith(ABOUT_INPUT) else said
