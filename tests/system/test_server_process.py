"""The process around the service: what it says of a request, and what it leaves to its workers."""

import subprocess
import sys

from tests.system.loading import until
from tests.system.serving import Server


def test_one_log_line_says_what_became_of_a_request(server: Server, astronaut: bytes) -> None:
    server.post("/remove-background", astronaut, {"X-Request-Id": "find-me"}, model="selfie")
    until(lambda: any(entry.get("request_id") == "find-me" for entry in server.log), "its log line")
    entry = next(entry for entry in server.log if entry.get("request_id") == "find-me")
    assert (entry["path"], entry["status"], entry["outcome"], entry["model"]) == (
        "/remove-background",
        200,
        "ok",
        "selfie@1",
    )
    assert {"decode", "resize", "queue", "infer", "matte", "compose", "encode"} <= set(entry)


def test_the_serving_process_imports_neither_torch_nor_what_only_a_pull_needs() -> None:
    question = "import sys, service.app, service.cli; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "onnx", "tflite", "httpx2", "rich"} & set(imported.split())
    assert "service.app" in imported.split()
