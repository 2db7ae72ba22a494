"""How many processes answer at one port."""

from pydantic import Field

from service.settings.part import SettingsPart


class FrontSettings(SettingsPart):
    """How many processes answer at one port."""

    fronts: int = Field(1, ge=1, le=64)
    """Processes that speak HTTP and work on pixels, on one port (Linux), before one queue and one pool of workers. Each
    takes 90 MB at rest, and its share of what other settings allow to all. Above 1, models stay as they are at the
    start."""
