"""What one of several fronts may have of what the settings allow to all. Pure."""

from service.settings import Settings

SHARED_OUT = (
    "queue_capacity",
    "max_bytes_in_flight",
    "max_megapixels_in_flight",
    "max_connections",
    "max_uploads",
    "max_hellos",
    "max_sessions",
    "max_fetches",
    "cache_max_bytes",
)
"""Settings that bound something for the whole machine."""


def settings_of_a_front(settings: Settings, cores: int) -> Settings:
    """An equal share of each bound, so that nobody has to ask the others; what is not 0 stays at least 1.

    Of the pixel threads, rounded up: together the fronts have one a core, or as many as the settings say.
    """
    threads = -(-(settings.pixel_threads or cores) // settings.fronts)
    shares = {name: _share(getattr(settings, name), settings.fronts) for name in SHARED_OUT}
    return settings.model_copy(update={**shares, "pixel_threads": threads})


def _share(total: int | float, fronts: int) -> int | float:
    if isinstance(total, float):
        return total / fronts
    return max(1, total // fronts) if total else 0
