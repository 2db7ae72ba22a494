#!/bin/sh
# ray 2.60.0: after one plain `ray.init()` by the same user, every cluster of `ray start` demands a token, and
# `ray.init(address="host:port")`, told nothing else, does not show it, though it lies in the same home folder. What it
# raises after 20 to 30 seconds says nothing of a token: "Failed to connect to Ray cluster at ...".
#
# The first `ray.init()` writes ~/.ray/auth_token. From then on `ray start --head` turns token authentication on where it
# finds that file and RAY_AUTH_MODE is unset; `ray.init("auto")` does the same, an explicit address never does. With
# RAY_AUTH_MODE=token the same call joins. So who joins a cluster by address looks for the file himself.
set -eu
folder=$(mktemp -d)
export HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0
unset RAY_AUTH_MODE RAY_AUTH_TOKEN RAY_AUTH_TOKEN_PATH RAY_ADDRESS
mkdir "$HOME"
end() {
  [ -z "${node:-}" ] || { kill "$node" 2>/dev/null || true; wait "$node" 2>/dev/null || true; }
  rm -rf "$folder"
}
trap end EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check "ray==2.60.0"
"$python" -c 'import ray; ray.init("local", num_cpus=1, include_dashboard=False, logging_level=40); ray.shutdown()'
test -s "$HOME/.ray/auth_token" || { echo "no token was written"; exit 1; }

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/ray" start --head --block --num-cpus=1 --port="$port" --include-dashboard=false \
  --object-store-memory=100000000 --disable-usage-stats --temp-dir="$folder/ray" >"$folder/log" 2>&1 &
node=$!
until grep -q "Ray runtime started" "$folder/log"; do kill -0 "$node"; sleep 0.2; done

cat >"$folder/join.py" <<'PY'
import sys
import ray
try:
    ray.init(sys.argv[1], logging_level=40, log_to_driver=False)
    print("joined")
except ConnectionError as error:
    print("ConnectionError:", str(error).split(".")[0][:60])
PY
plain=$("$python" "$folder/join.py" "127.0.0.1:$port" 2>/dev/null)
told=$(RAY_AUTH_MODE=token "$python" "$folder/join.py" "127.0.0.1:$port" 2>/dev/null)
echo "by address:                          $plain"
echo "by address, with RAY_AUTH_MODE=token: $told"
case "$plain" in "ConnectionError: Failed to connect"*) ;; *) exit 1 ;; esac
test "$told" = joined
