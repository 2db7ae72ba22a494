"""Films, and the jobs that they are."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from service.environment import OR_EMPTY
from service.settings.part import SettingsPart


class FilmSettings(SettingsPart):
    """Films, and the jobs that they are."""

    jobs_folder: Annotated[Path | None, OR_EMPTY] = None
    """Where jobs and their results are kept, so that they outlive the service. Unset: in a folder that goes when it
    does. Each service needs one of its own."""

    job_retention_s: float = Field(86_400.0, gt=0)
    """A job that has ended is forgotten after so long, with its result. Higher keeps more results on disk."""

    max_jobs: int = Field(32, ge=0)
    """Jobs that wait or are at work; 0 refuses all. Higher keeps more uploads on disk."""

    max_video_s: float = Field(600.0, gt=0)
    """Longest film. Higher lets one job keep the others waiting for longer: they are worked on one after the other."""

    max_video_bytes: int = Field(1024 * 1024 * 1024, ge=1)
    """Largest upload of a film. It goes to disk, not to memory."""
