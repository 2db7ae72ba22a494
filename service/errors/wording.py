"""What pydantic says of a value that cannot be used, in words for whoever sent it."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

OURS = "Value error, "
"""Before what our own validators say."""

ABOUT_INPUT = "Input should be "
"""Before what pydantic says of a bound, or of the words that there are."""


FIXED: Mapping[str, str] = {
    "missing": "it is missing",
    "extra_forbidden": "there is none of that name",
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "a JSON object is wanted"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false is wanted"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number is wanted"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "a number is wanted"),
}
"""By the kind of what is wrong, where its own values add nothing."""


def wording_of(entry: ErrorDetails) -> str:
    """Without the names of Python's types, which nobody sends."""
    bounds = entry.get("ctx", {})
    match entry["type"]:
        case kind if kind in FIXED:
            return FIXED[kind]
        case "too_short":
            return f"at least {bounds['min_length']} are wanted, not {bounds['actual_length']}"
        case "too_long":
            return f"at most {bounds['max_length']} are taken, not {bounds['actual_length']}"
    said = entry["msg"].removeprefix(OURS)
    return f"it has to be {said.removeprefix(ABOUT_INPUT)}" if said.startswith(ABOUT_INPUT) else said
