"""Every knob, read once from `SILHOUETTE_*` in the environment. Units are in the names; None means off."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.errors import ConfigurationError

MEGAPIXEL = 1_000_000

REPOSITORY_STORE = Path(__file__).resolve().parent.parent / "model_store"


class Settings(BaseSettings):
    """One frozen object, passed to whoever needs it. Each field says what raising it costs."""

    model_config = SettingsConfigDict(
        env_prefix="SILHOUETTE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. `0.0.0.0` lets other machines in."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    models: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Models that every worker loads, the default model first. Unset: u2net and selfie, and deeplab-voc where it was
    pulled. Each one costs memory in every worker."""

    model_store: Path = REPOSITORY_STORE
    """Folder of model cards and weights."""

    mirror: str | None = None
    """A folder or base URL that has the models' original files; asked before the public addresses."""

    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto, cpu, cuda or cuda:N. `auto` is CUDA where there is any; a device that is named must be there."""

    workers: int | None = Field(None, ge=1)
    """Worker processes on a CPU, or per CUDA device. Unset: one per core, at most 8; one per CUDA device. Each holds
    its own activations, about 300 MB with U2-Net."""

    threads_per_worker: int | None = Field(None, ge=1)
    """Threads of one CPU worker. Unset: the cores divided by the workers. Two 1-thread workers were measured at 1.13
    times the images of one 2-thread worker; more threads shorten a lone request instead."""

    max_batch_size: int | None = Field(None, ge=1)
    """Images that a worker takes at once. Unset: 1 on a CPU, where batches of 4 were measured at 0.78 times the speed
    of single images; 8 on CUDA."""

    max_queue_delay_ms: float = Field(0.0, ge=0)
    """How long a batch that is not full waits for more images. Higher fills batches and delays a lone request."""

    queue_capacity: int = Field(64, ge=1)
    """Requests in flight. Higher hides overload as latency and holds more images in memory."""

    request_timeout_s: float = Field(60.0, gt=0)
    """From the arrival of a request to its prediction. Higher lets clients wait longer in an overloaded queue."""

    upload_timeout_s: float = Field(30.0, gt=0)
    """For reading one request body. Higher lets slow clients hold a place in the queue for longer."""

    drain_timeout_s: float = Field(30.0, gt=0)
    """For answering what was accepted when the service is told to stop."""

    max_upload_bytes: int = Field(32 * 1024 * 1024, ge=1)
    """Largest request body. Higher costs memory: `queue_capacity` bodies may be held at once."""

    max_megapixels: float = Field(50.0, gt=0, le=178)
    """Largest picture, checked on its header. A 12 megapixel request was measured at 300 MB of memory while it is
    composed. Pillow itself refuses more than 178."""

    pixel_threads: int | None = Field(None, ge=1)
    """Threads that decode, resize, compose and encode. Unset: one per core. Higher holds more pictures in memory."""

    log_format: Literal["auto", "text", "json"] = "auto"
    """`auto` is text on a terminal and JSON, one object a line, everywhere else."""

    @field_validator("models", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip()) or None
        return value

    @field_validator("workers", "threads_per_worker", "max_batch_size", "pixel_threads", mode="before")
    @classmethod
    def _auto_is_unset(cls, value: object) -> object:
        return None if value in ("", "auto") else value

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * MEGAPIXEL)


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` on top. Raises ConfigurationError naming the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        variable = "SILHOUETTE_" + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigurationError(f"{variable}: {first['msg']}, but it is {first['input']!r}") from error
