#!/usr/bin/env bash
# `import openvino` alone reports its use: it starts a thread, and in it a process, that posts an event to Google Analytics, and writes an id
# into the home directory, without asking. Only where the package `openvino_telemetry`, which pip installs beside it,
# cannot be imported does nothing of the kind happen. A CI environment (CI=true and the like) is spared.
#
# openvino 2026.4.1, openvino-telemetry 2025.2.0, CPython 3.11, Linux x86-64; seen 2026-11-28.
# The run has a home of its own and no way out: every connection is refused before it is made, and counted.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'openvino==2026.4.1' 'openvino-telemetry==2025.2.0'

cat > "$work/seen.py" <<'PYTHON'
import os, socket, sys, threading

def refuse(host, *_, **__):
    with open(sys.argv[2], "a") as asked:
        print(host, file=asked)
    raise OSError("no way out")

socket.getaddrinfo = refuse
if sys.argv[1] == "without":
    sys.modules["openvino_telemetry"] = None
import openvino  # noqa: E402,F401

for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(20)
kept = sorted(os.path.join(folder, name) for folder, _, names in os.walk(os.environ["HOME"]) for name in names)
asked = sorted(set(open(sys.argv[2]).read().split()))
print(f"hosts asked for: {asked}; files in the home directory: {len(kept)}")
PYTHON

seen() {
    mkdir -p "$work/home-$1"
    : > "$work/asked-$1"
    env -i PATH="$PATH" HOME="$work/home-$1" "$work/venv/bin/python" "$work/seen.py" "$1" "$work/asked-$1"
}
with=$(seen with)
without=$(seen without)
echo "with openvino_telemetry:    $with"
echo "without openvino_telemetry: $without"
[[ $with == *google-analytics.com* ]]
[[ $without == "hosts asked for: []; files in the home directory: 0" ]]
