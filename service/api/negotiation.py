"""Which format a result gets, from the `Accept` header. Source: RFC 9110, section 12.5.1."""

from collections.abc import Sequence

from service.errors import NotAcceptable
from service.operations.options import MEDIA_TYPES, Format


def negotiate(accept: str | None, offered: Sequence[Format]) -> list[Format]:
    """The offered formats that the caller takes, best liked first; in the order of `offered` among equals.

    Raises NotAcceptable where the caller wants none of them.
    """
    ranges = _parse(accept or "*/*")
    liking = {format_: _quality(MEDIA_TYPES[format_], ranges) for format_ in offered}
    ranked = sorted((format_ for format_ in offered if liking[format_] > 0), key=lambda format_: -liking[format_])
    if not ranked:
        types = ", ".join(MEDIA_TYPES[format_] for format_ in offered)
        raise NotAcceptable(f"this result comes as {types}; the Accept header wants {accept}")
    return ranked


def _parse(accept: str) -> dict[str, float]:
    """Media range -> quality, 0 to 1."""
    ranges = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        qualities = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        ranges[media_range] = _number(qualities[0]) if qualities else 1.0
    return ranges


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """That of the most specific range that fits."""
    fitting = (media_type, media_type.split("/")[0] + "/*", "*/*")
    return next((ranges[media_range] for media_range in fitting if media_range in ranges), 0.0)
