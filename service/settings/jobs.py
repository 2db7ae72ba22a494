"""Work that outlives its request."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from service.environment import OR_EMPTY, HostNames
from service.settings.part import SettingsPart

GIBIBYTE = 1024 * 1024 * 1024


class JobSettings(SettingsPart):
    """Work that outlives its request."""

    jobs: Literal["disk", "redis"] = "disk"
    """Where jobs are kept: on this machine's disk, or in the Redis of `shared_url`. There any number of machines take
    jobs in, do them, and deliver their results, and what a dead one had at work another one does; pictures and results
    take its memory, and films are refused."""

    jobs_folder: Annotated[Path | None, OR_EMPTY] = None
    """Where jobs and their results are kept, so that they outlive the service. Unset: in a folder that goes when it
    does. Each service needs one of its own. Of jobs on disk."""

    job_lease_s: float = Field(30.0, ge=1)
    """Of jobs in Redis: a machine that is silent for so long is taken for dead, and another does its jobs. Higher finds
    it later. Lower takes a busy machine for dead sooner: then its jobs are done twice, and kept once."""

    job_retention_s: float = Field(86_400.0, gt=0)
    """A job that has ended is forgotten after so long, with its result. Higher keeps more results on disk."""

    max_jobs: int = Field(1000, ge=0)
    """Jobs that wait or are at work; 0 refuses all. Higher lets more of them wait for longer."""

    max_job_bytes: int = Field(20 * GIBIBYTE, ge=0)
    """Uploads and results of all jobs; what is above is refused with 507. Higher takes that much of the disk, or of
    Redis' memory."""

    max_batch_bytes: int = Field(GIBIBYTE, ge=1)
    """Largest upload of a batch. It goes to disk, not to memory."""

    max_batch_pictures: int = Field(500, ge=1)
    """Pictures of one batch. Higher lets one request make more jobs of `max_jobs`."""

    webhook_origins: HostNames = ()
    """Servers that a caller may have told of the end of its job, as `https://hooks.example.org`. Each lets callers make
    this machine send it requests. A name that leads to a private address takes its network in `fetch_private`."""

    webhook_secret: Annotated[SecretStr | None, OR_EMPTY] = None
    """`whsec_` and 24 to 64 bytes as base64, by which webhooks are signed; their receivers have it too."""

    jobs_at_once: int = Field(4, ge=1)
    """Pictures of jobs that are worked on at once, behind all that somebody waits for. Higher makes larger batches, and
    holds more pictures in memory."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.jobs == "redis" and self.jobs_folder is not None:
            raise ValueError("SILHOUETTE_JOBS_FOLDER takes SILHOUETTE_JOBS=disk: jobs in Redis have no folder")
        if self.webhook_origins and self.webhook_secret is None:
            raise ValueError("SILHOUETTE_WEBHOOK_ORIGINS takes SILHOUETTE_WEBHOOK_SECRET: webhooks are signed")
        return self
