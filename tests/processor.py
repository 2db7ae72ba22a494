"""What the processor must be able to do for a test to make sense."""

import pytest

from service.workers.precision import INT8_INSTRUCTIONS, usable_cpu_flags

needs_int8 = pytest.mark.skipif(
    not usable_cpu_flags() & INT8_INSTRUCTIONS, reason="int8 is not used on this CPU, or not without OpenVINO"
)
