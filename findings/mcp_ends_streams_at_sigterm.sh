#!/bin/sh
# mcp 2.3.0, sse-starlette 3.7.0, uvicorn 0.54.0: uvicorn waits for answers that have begun before it stops. Whoever imports
# mcp.server.lowlevel also imports sse_starlette, which puts another method in the place of uvicorn.Server.handle_exit: from
# then on every EventSourceResponse of the process ends at the first SIGTERM, in the middle of its answer, and as if it were
# complete. Seen by a client of a stream that says "began" and, 2 seconds later, "finished":
#   imported: ('patched', ['began'])
#   imported, and told to leave uvicorn alone: ('patched', ['began', 'finished'])
# A server that lets its clients finish calls sse_starlette.sse.AppStatus.disable_automatic_graceful_drain() once.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mcp==2.3.0 sse-starlette==3.7.0 uvicorn==0.54.0 2>/dev/null
cat > server.py <<'PY'
import asyncio, os, sys
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.server import Server
original = Server.handle_exit
import mcp.server.lowlevel  # noqa: E402
from sse_starlette.sse import AppStatus, EventSourceResponse  # noqa: E402

print("patched" if Server.handle_exit is not original else "as it was", file=sys.stderr, flush=True)
if "--as-uvicorn-does" in sys.argv:
    AppStatus.disable_automatic_graceful_drain()


async def stream(request):
    async def events():
        yield {"data": "began"}
        await asyncio.sleep(2)
        yield {"data": "finished"}
    return EventSourceResponse(events())


uvicorn.run(Starlette(routes=[Route("/", stream)]), port=int(sys.argv[1]), log_level="error")
PY
cat > client.py <<'PY'
import signal, socket, subprocess, sys, time, urllib.request


def heard(*flags):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "server.py", str(port), *flags], stderr=subprocess.PIPE, text=True)
    patched = process.stderr.readline().strip()
    for _ in range(100):
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20)
            break
        except OSError:
            time.sleep(0.1)
    words = []
    try:
        for line in answer:
            if line.startswith(b"data: "):
                words.append(line[6:].strip().decode())
                if words == ["began"]:
                    process.send_signal(signal.SIGTERM)
    except Exception as error:
        words.append(type(error).__name__)
    process.wait(20)
    process.stderr.close()
    return patched, words


plain, patient = heard(), heard("--as-uvicorn-does")
print("imported:", plain)
print("imported, and told to leave uvicorn alone:", patient)
cut = plain[0] == "patched" and "finished" not in plain[1]
sys.exit(0 if cut and patient[1] == ["began", "finished"] else 1)
PY
venv/bin/python client.py
