"""What workers on a CPU are forked from. multiprocessing's fork server imports this, once; nothing else does.

To import torch and OpenVINO takes seconds, which each worker would spend at its start and again after a crash. A fork
has them at once, and shares the memory. Nothing here may compute: the threads that torch starts for its first tensor,
and OpenVINO for the first network that it compiles, do not survive a fork.
"""

import contextlib
import gc
import os

from service.workers.loaded import WAIT_ASLEEP

os.environ.setdefault(*WAIT_ASLEEP)

with contextlib.suppress(Exception):  # a worker then tries for itself, and says what is wrong
    import service.models.engines.eight_bits
    import service.models.engines.traced
    import service.models.segmenters  # noqa: F401

gc.freeze()  # a search for garbage would write to every page that workers share, and so copy it
