"""Films that come over the network."""

from pydantic import Field

from service.settings.part import SettingsPart


class FilmSettings(SettingsPart):
    """Films that come over the network."""

    max_video_s: float = Field(600.0, gt=0)
    """Longest film. Higher lets one job keep the others waiting for longer: they are worked on one after the other."""

    max_video_bytes: int = Field(1024 * 1024 * 1024, ge=1)
    """Largest upload of a film. It goes to disk, not to memory."""
