"""The device a worker computes on: where tensors go, their type and their layout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from service.configuration_errors import DeviceNotFound
from service.models.engines.compiled import is_installed
from service.models.segmenters.cuda_graphs import Capture, CudaCapture

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Device:
    """One device and how tensors are kept on it.

    On CUDA the networks run in float16, whose largest number, 65504, is far from what they compute: about 120 in
    U2-Net, by its 8-bit ranges. bfloat16 reaches further and is eight times as coarse. On a CPU OpenVINO computes them,
    or torch in float32 where that cannot be installed.
    """

    torch_device: torch.device
    dtype: torch.dtype
    staged: bool
    """Batches go through memory that is kept for them, see Staging."""
    capture: Capture | None = None
    """Captures CUDA graphs; None where kernels are launched one by one."""
    is_compiled_for: bool = False
    """Networks are compiled by OpenVINO when they are loaded, and torch computes nothing."""
    threads: int = 1
    """Of a CPU, for a network that is compiled for it."""

    @classmethod
    def find(cls, name: str, threads: int = 1, cuda_graphs: bool = True) -> Self:
        """The device called `name`: `cpu`, `cuda` or `cuda:N`. The whole process is to use this one and no other.

        Raises DeviceNotFound where it is not there: nothing falls back in silence.
        """
        if name == "cpu":
            torch.set_num_threads(threads)
            compiled = is_installed()
            return cls(torch.device("cpu"), torch.float32, staged=False, is_compiled_for=compiled, threads=threads)
        device = torch.device(name)
        count = torch.cuda.device_count()
        if device.type != "cuda" or (device.index or 0) >= count:
            raise DeviceNotFound(f"device {name!r} is not on this machine, which has {count} CUDA devices")
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)  # or pinned memory and events would open a context on the first device as well
        return cls(device, torch.float16, staged=True, capture=CudaCapture(device) if cuda_graphs else None)

    def use_threads(self, threads: int) -> None:
        """From the next forward on, where this is a CPU and torch computes; OpenVINO takes the cores that are free."""
        if self.torch_device.type == "cpu" and threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    def place(self, network: Module) -> Module:
        """`network` on the device, channels_last: 1.15 to 1.25 times as fast as NCHW on a CPU."""
        # nn.Module.to has no overload for memory_format alone in torch's stubs.
        return network.to(self.torch_device, self.dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def constant(self, values: Sequence[float]) -> Tensor:
        """(1, C, 1, 1) float32 on the device."""
        return torch.tensor(values, dtype=torch.float32, device=self.torch_device).view(1, -1, 1, 1)

    def upload(self, array: NDArray[np.uint8]) -> Tensor:
        """The array on the device."""
        return torch.from_numpy(array).to(self.torch_device)

    def mark(self) -> Callable[[], None]:
        """Call it to wait for all that this thread asked the device for until now."""
        if self.torch_device.type != "cuda":
            return _no_wait
        # Blocking is to wait asleep: the cores belong to those who decode and encode.
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        wait: Callable[[], None] = event.synchronize
        return wait

    def diagnose(self, error: Exception) -> Literal["memory", "poisoned", "model"]:
        """What a failed forward means for the next one.

        Out of memory: smaller batches may go on. Poisoned: CUDA reported an error that sticks to the context until the
        process ends. Anything else is the model's own.
        """
        if isinstance(error, torch.OutOfMemoryError):
            if self.torch_device.type == "cuda":
                torch.cuda.empty_cache()
            return "memory"
        return "model" if self.computes() else "poisoned"

    def computes(self) -> bool:
        """True where the device still does what it is told."""
        try:
            return bool((torch.ones(1, device=self.torch_device) + 1).item() == 2)
        except torch.OutOfMemoryError:  # full, perhaps of somebody else's work, but well
            return True
        except RuntimeError:
            return False

    def memory_bytes(self) -> int:
        """Held on the device by torch in this process: weights, batches, what graphs compute in and what is kept for
        reuse, without the few hundred MB of the CUDA context itself. 0 on a CPU, where resident memory says it.
        """
        return torch.cuda.memory_reserved(self.torch_device) if self.torch_device.type == "cuda" else 0

    def arrange(self, batch: Tensor) -> Tensor:
        """The batch in the type and layout that the network is kept in."""
        return batch.to(self.dtype).contiguous(memory_format=torch.channels_last)


def _no_wait() -> None:
    """On a CPU everything is done when it returns."""
