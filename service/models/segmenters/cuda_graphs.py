"""CUDA graphs: what a network launches on the device is recorded once for each size of batch, and then launched whole.

One by one, each of a network's hundreds of kernels costs the CPU a launch. A graph costs one for all of them, but its
tensors stay where they were when it was recorded, so whoever uses it writes its input in place.
Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from service.configuration_errors import RecordingFailed

Compute = Callable[[Tensor], Tensor]
"""(N, h, w, 3) uint8 on the device -> (N, C, h, w) float32 there, without ever waiting for the device."""

Replay = Callable[[], Tensor]
"""What `Compute` gives for the same input tensor, whatever is in it now; valid until the next replay of any graph."""

Capture = Callable[[Compute, Tensor], Replay]

WARM_UP_RUNS = 3
"""Before a recording, as in torch's own `make_graphed_callables`: kernels are chosen and loaded and workspaces made,
none of which can be recorded."""


def batch_sizes(largest: int) -> tuple[int, ...]:
    """What is recorded, the smallest first: 1, 2, 4, 8 and so on below `largest`, and `largest`."""
    return (*(1 << power for power in range((largest - 1).bit_length())), largest)


def record(capture: Capture, compute: Compute, pixels: Tensor) -> Mapping[int, Replay]:
    """A replay for each of `batch_sizes(len(pixels))`, which computes that many from the start of `pixels`.

    Raises RecordingFailed. The process should end then: torch's allocator may not recover from a capture that broke
    off (pytorch/pytorch, pull requests 180395 and 190308).
    """
    try:
        # The largest first: the memory that it leaves is enough for all others.
        return {size: capture(compute, pixels[:size]) for size in reversed(batch_sizes(len(pixels)))}
    except Exception as error:
        raise RecordingFailed(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """The first error of a chain, without the advice that torch puts below it: what follows a failed recording only
    says that it failed.
    """
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


class CudaCapture:
    """Captures CUDA graphs that share one pool of memory.

    They may share it because no two run at a time, and because the scores of one are fetched before the next runs. One
    of these is made for all models of a process.
    """

    def __init__(self, device: torch.device) -> None:
        # Graphs share their memory only if they were captured on the same stream.
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, compute: Compute, pixels: Tensor) -> Replay:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UP_RUNS):
                compute(pixels)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                scores = compute(pixels)
            graph.replay()  # the driver allocates with the first launch: that must not fail a caller's batch
            self._stream.synchronize()

        def replay() -> Tensor:
            graph.replay()
            return scores

        return replay
