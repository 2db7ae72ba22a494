"""OpenVINO, imported so that it tells nobody: whatever here needs it takes it from this file.

Where the package `openvino_telemetry` can be imported, which comes with it, `import openvino` keeps an id in the home
directory and has a thread report to Google Analytics, without asking (2026.4.1, `findings/openvino_import_reports.sh`).
Without that package it does nothing of the kind.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to say: there is none

import openvino as ov  # noqa: E402
from openvino import opset1, passes  # noqa: E402
from openvino import opset13 as opset  # noqa: E402

__all__ = ["opset", "opset1", "ov", "passes"]
