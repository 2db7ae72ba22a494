"""What the processor must be able to do for a test to make sense."""

import pytest

from service.workers.precision import INT8_INSTRUCTIONS, read_cpu_flags

needs_vnni = pytest.mark.skipif(
    not read_cpu_flags() & INT8_INSTRUCTIONS, reason="this CPU has no VNNI instructions, so int8 is not used on it"
)
