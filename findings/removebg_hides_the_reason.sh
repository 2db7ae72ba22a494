#!/bin/sh
# removebg 0.4 (the Python client of remove.bg), Python 3: an error never reaches the log file that its constructor wants.
# Each method calls raise_for_status() before the line that logs the reason, so a refusal is an HTTPError "400 Client Error"
# without the title that the service gave, and the log file stays empty.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check removebg==0.4
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import base64, http.server, json, os, sys, threading
import removebg.removebg as client

class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"errors": [{"title": "Could not identify foreground", "code": "unknown_foreground"}]}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
client.API_ENDPOINT = f"http://127.0.0.1:{server.server_port}/v1.0/removebg"
said = ""
try:
    client.RemoveBg("key", "errors.log").remove_background_from_base64_img(base64.b64encode(b"picture"))
except Exception as error:
    said = f"{type(error).__name__}: {error}"
server.shutdown()
logged = os.path.getsize("errors.log") if os.path.exists("errors.log") else 0
print("raised:", said, "| bytes in errors.log:", logged)
sys.exit(0 if said.startswith("HTTPError: 400") and "foreground" not in said and logged == 0 else 1)
PYTHON
