#!/usr/bin/env bash
# `import openvino` alone is telemetry: without asking it keeps an id and counts in the home directory, and starts a thread
# that is handed an event for Google Analytics (openvino/tools/ovc/__init__.py, send_event). Only where the package
# `openvino_telemetry`, which pip installs beside it, cannot be imported does nothing of the kind happen. What is checked
# here are the files and the thread; where there is a CI environment (CI=true and the like) it is spared.
#
# openvino 2026.4.1, openvino-telemetry 2025.2.0, CPython 3.11, Linux x86-64; seen 2026-11-28.
# The run has a home of its own and no way out: every look-up of a host is refused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'openvino==2026.4.1' 'openvino-telemetry==2025.2.0'

cat > "$work/seen.py" <<'PYTHON'
import os, socket, sys, threading

def refuse(*_, **__):
    raise OSError("no way out")

socket.getaddrinfo = refuse
if sys.argv[1] == "without":
    sys.modules["openvino_telemetry"] = None
import openvino  # noqa: E402,F401

kept = [name for _, _, names in os.walk(os.environ["HOME"]) for name in names]
print(f"threads beside the first: {threading.active_count() - 1}; files in the home directory: {len(kept)}")
PYTHON

seen() {
    mkdir -p "$work/home-$1"
    env -i PATH="$PATH" HOME="$work/home-$1" "$work/venv/bin/python" "$work/seen.py" "$1"
}
with=$(seen with)
without=$(seen without)
echo "with openvino_telemetry:    $with"
echo "without openvino_telemetry: $without"
[[ $with == "threads beside the first: 1; files in the home directory: 2" ]]
[[ $without == "threads beside the first: 0; files in the home directory: 0" ]]
