"""Which models are served, what they compute on, and how their workers are fed and watched."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from service.environment import OR_AUTO, OR_EMPTY, Routes, matching
from service.settings.part import SettingsPart

DEVICE = r"auto|cpu|cuda(:\d+)?"
PRECISIONS = r"auto|fp32|bf16|int8|[a-z0-9-]+=(fp32|bf16|int8)(, *[a-z0-9-]+=(fp32|bf16|int8))*"

REPOSITORY_STORE = Path(__file__).resolve().parents[2] / "model_store"


class ModelSettings(SettingsPart):
    """Which models are served, what they compute on, and how their workers are fed and watched."""

    models: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Models that every worker loads, the default model first. Unset: u2net and selfie, and u2netp and deeplab-voc
    where they were pulled. Each one costs memory in every worker."""

    model_store: Path = REPOSITORY_STORE
    """Folder of model cards and weights."""

    mirror: str | None = None
    """A folder or base URL that has the models' original files; asked before the public addresses."""

    max_model_bytes: int = Field(2_000_000_000, ge=1)
    """Largest ONNX file that `models add` takes, with its weights. Higher lets one file take more of the disk, and of
    the memory of every worker that loads it."""

    device: Annotated[str, matching(DEVICE, "auto, cpu, cuda or cuda:N")] = "auto"
    """auto, cpu, cuda or cuda:N. `auto` is CUDA where there is any; a device that is named must be there."""

    workers: Annotated[int | None, OR_AUTO] = Field(None, ge=1)
    """Worker processes on a CPU, or per CUDA device. Unset: one per core, more than 8 only
    where half of the memory has 800 MB for each; one per CUDA device. Each holds its own weights and activations, about
    360 MB with U2-Net."""

    threads_per_worker: Annotated[int | None, OR_AUTO] = Field(None, ge=1)
    """Threads of one CPU worker, always. Unset: as many as there are cores, which busy workers share."""

    precision: Annotated[str, matching(PRECISIONS, "auto, fp32, bf16, int8, or one a model: u2net=int8")] = "auto"
    """On a CPU: auto, fp32, bf16, int8, or one a model, `u2net=int8,selfie=fp32`. `auto` is what each model's card
    prefers where OpenVINO is installed and the CPU has AVX2. int8 takes models that were calibrated for it; others stay
    in fp32, and what is not computed in eight bits is in bf16 where the CPU has that. On CUDA all run in fp16."""

    cuda_graphs: bool = True
    """On CUDA: record each size of batch when a worker starts, and launch it in one call. Off, kernels are launched one
    by one, a worker starts sooner and keeps less memory on the device."""

    max_batch_size: Annotated[int | None, OR_AUTO] = Field(None, ge=1)
    """Images that a worker takes at once. Unset: 1 on a CPU, where batches of 4 were measured at 0.78 times the speed
    of single images; 8 on CUDA."""

    max_queue_delay_ms: float = Field(0.0, ge=0)
    """How long a batch that is not full waits for more images. Higher fills batches and delays a lone request."""

    model_idle_s: Annotated[float | None, OR_EMPTY] = Field(None, ge=1)
    """A model that nobody has asked for in so long is unloaded, and loaded again for the first who does, who waits for
    it; the default model stays. Unset: all stay. Lower frees memory sooner and lets more requests wait."""

    routes: Routes = ()
    """A share of the requests that mean one model is answered by another one that is loaded, to see how it does:
    `u2net=birefnet-lite:5%`. `X-Model` tells. Not so live sessions and `best`."""

    batch_timeout_s: float = Field(30.0, gt=0)
    """A worker that is silent for so long on one batch is killed and replaced. Higher finds hangs later."""

    heartbeat_interval_s: float = Field(5.0, gt=0)
    """How often an idle worker is asked whether it is well."""

    heartbeat_timeout_s: float = Field(5.0, gt=0)
    """An idle worker that does not answer for so long is killed and replaced."""

    max_batches_per_worker: Annotated[int | None, OR_EMPTY] = Field(None, ge=1)
    """A worker that ran so many is replaced. Lower hides slow leaks, and costs a start of the models each time."""

    max_worker_rss_mb: Annotated[int | None, OR_EMPTY] = Field(None, ge=1)
    """A worker whose resident memory is above this is replaced, in units of 1,000,000 bytes."""

    max_batch_megapixels: Annotated[float | None, OR_EMPTY] = Field(None, gt=0)
    """Of a batch, counted at the network's input size. A second limit beside `max_batch_size`."""

    @field_validator("models", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip()) or None
        return value
