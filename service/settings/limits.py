"""What may be in flight at once, how large a picture may be, and how long an answer may take."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.environment import OR_AUTO
from service.settings.part import SettingsPart

MEGAPIXEL = 1_000_000


class LimitSettings(SettingsPart):
    """What may be in flight at once, how large a picture may be, and how long an answer may take."""

    queue_capacity: int = Field(64, ge=1)
    """Requests in flight. Unset, more where more keep the machine busy: one picture for each core, and two for each
    that workers take at once. Higher hides overload as latency and holds more images in memory."""

    max_bytes_in_flight: int = Field(256 * 1024 * 1024, ge=1)
    """Request bodies and answers in memory, all together. Unset, more where more than 33 pictures keep the machine
    busy: 8 MB for each. Higher admits more large uploads at once."""

    max_megapixels_in_flight: float = Field(200.0, gt=0)
    """Decoded pictures and pages of product shots in memory, all together; more wait until there is room. A megapixel
    was measured at 11 to 15 MB while it is composed (benchmarks/reliability/picture_memory.py). Unset, more where more
    than 16 pictures keep the machine busy: 12.2 for each, as far as a quarter of the memory suffices. Higher decodes
    more pictures at once."""

    request_timeout_s: float = Field(60.0, gt=0)
    """From the arrival of a request's last byte to its answer. `X-Request-Timeout-Ms`, which counts from the first,
    lowers it. Higher lets clients wait longer in an overloaded queue."""

    ready_max_wait_s: float | None = Field(None, gt=0)
    """`/readyz` says no while a new request would wait for longer than this, so that balancers send it to other
    machines. Unset, it says no only where nobody is served. Higher lets one machine's queue grow longer."""

    drain_timeout_s: float = Field(30.0, gt=0)
    """For answering what was accepted when the service is told to stop."""

    max_upload_bytes: int = Field(32 * 1024 * 1024, ge=1)
    """Largest request body. Higher lets one request take more of `max_bytes_in_flight`."""

    max_megapixels: float = Field(64.0, gt=0, le=178)
    """Largest picture, checked on its header: phones take 50.1 (8160 x 6144). A 12 megapixel request was measured at
    138 to 174 MB of memory while it is composed. Pillow itself refuses more than 178."""

    pixel_threads: Annotated[int | None, OR_AUTO] = Field(None, ge=1)
    """Threads that decode, resize, compose and encode. Unset: one per core. Higher holds more pictures in memory."""

    cache_max_bytes: int = Field(0, ge=0)
    """Answers that are kept, for callers who ask the same again; 0 keeps none. Higher takes that much memory."""

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_bytes_in_flight < self.max_upload_bytes:
            raise ValueError("SILHOUETTE_MAX_BYTES_IN_FLIGHT must be at least SILHOUETTE_MAX_UPLOAD_BYTES")
        if self.max_megapixels_in_flight < 2 * self.max_megapixels:  # a photo and its background
            raise ValueError("SILHOUETTE_MAX_MEGAPIXELS_IN_FLIGHT must be at least twice SILHOUETTE_MAX_MEGAPIXELS")
        return self

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * MEGAPIXEL)
