#!/usr/bin/env bash
# Builds the container image, starts it as confined as docker-compose.yml does, and asks it for a cutout.
#
# With a Docker engine: docker build and docker run, on the base that the Dockerfile names.
# Without one: buildah as root, in chroot isolation, on a Debian that debootstrap makes of what apt is configured for. pip's
# configuration and the certificates of this machine are lent to that build. The base is kept in .cache for a week; all
# else lies in one temporary folder, removed at the end.
#
#   PYTHON           a Python with scikit-image and pip (.venv/bin/python)
#   TORCH_INDEX      see the Dockerfile; unset, PyTorch's index is used where it can be reached
#   SUITE, ARCHIVE   of the base: a Debian release and the address of its packages (this machine's own, as apt has them)
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

READY_WITHIN_S=120
STOPPED_WITHIN_S=60  # docker-compose.yml's stop_grace_period
TMP_SIZE=2g          # docker-compose.yml's tmpfs

if [ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
PYTHON=$(realpath --no-symlinks "$(command -v "${PYTHON:-python3}")")

# step WHAT COMMAND...: runs the command and says so in one line with its seconds, or shows what it printed and gives up.
step() {
    local began=$SECONDS
    doing=$1
    note=
    "${@:2}" > "$work/step.log" 2>&1
    printf '%4d s  %s\n' $((SECONDS - began)) "$doing${note:+: $note}"
}

give_up() {
    trap - ERR
    [ "$BASHPID" = "$$" ] || exit 1
    {
        echo "FAILED: $doing"
        tail -n 40 "$work/step.log" || true
        if [ -n "$address" ]; then echo "--- the service said:"; "${engine}_log" | tail -n 40 || true; fi
    } >&"$terminal"  # where the trap runs, standard error is still the step's log
    exit 1
}

clean_up() {
    [ -z "$engine" ] || "${engine}_clean_up" > /dev/null 2>&1 || true
    rm -rf --one-file-system "$work"
}

answers() {  # answers URL SECONDS
    "$PYTHON" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=int(sys.argv[2]))' "$@" 2>&1 \
        | tail -n 1
}

must_fail() { if "$@"; then echo "this should have failed: $*"; return 1; fi; }

# --- with a Docker engine

confinement=(--read-only --tmpfs "/tmp:size=$TMP_SIZE,mode=1777" --cap-drop ALL --security-opt no-new-privileges)

docker_build() {
    docker build --tag silhouette:image-test "$@" "$work/context"
    note=$(docker image inspect --format '{{.Size}}' silhouette:image-test | numfmt --to=si)
}
docker_inside() {
    docker run --rm "${confinement[@]}" --entrypoint "$1" silhouette:image-test "${@:2}"
}
docker_start() {
    service=$(docker run --detach "${confinement[@]}" --init --publish 127.0.0.1::8000 silhouette:image-test)
    address=$(docker port "$service" 8000/tcp)
}
docker_runs() { [ "$(docker inspect --format '{{.State.Running}}' "$service")" = true ]; }
docker_log() { docker logs "$service" 2>&1; }
docker_health() {
    local command
    mapfile -t command < <(docker image inspect --format \
        '{{range slice .Config.Healthcheck.Test 1}}{{println .}}{{end}}' silhouette:image-test | sed '/^$/d')
    docker exec "$service" "${command[@]}"
}
docker_stop() {
    docker stop --time "$STOPPED_WITHIN_S" "$service"
    [ "$(docker inspect --format '{{.State.ExitCode}}' "$service")" = 0 ]
}
docker_clean_up() {
    [ -z "$service" ] || docker rm --force "$service"
    docker image rm --force silhouette:image-test
}

# --- without one

driver=overlay
buildah() { TMPDIR=$work command buildah --storage-driver $driver --root "$work/storage" --runroot "$work/run" "$@"; }

choose_driver() {  # where a file system cannot be laid over another one, each step of the build is a whole copy
    if ! buildah info; then
        rm -rf --one-file-system "$work/storage" "$work/run"
        driver=vfs
    fi
    note=$driver
}

# Prints the --volume options that lend this machine's pip configuration and certificates to a build: the settings as
# one pip.conf, and every file and folder that they name.
lend_pip() {
    "$PYTHON" -m pip config list | "$PYTHON" -c '
import ast, pathlib, sys

conf = sys.argv[1]
settings, named = {}, {"/etc/ssl/certs/ca-certificates.crt"}
for line in sorted(sys.stdin, key=lambda line: line.startswith(":env:")):  # the environment wins
    key, value = line.rstrip().split("=", 1)
    section, name = key.replace(":env:", "global").split(".", 1)
    values = ast.literal_eval(value).split()
    settings.setdefault(section, {})[name] = values
    named |= {path for path in (each.removeprefix("file://") for each in values) if path.startswith("/")}
with open(conf, "w") as file:
    for section, options in settings.items():
        print(f"[{section}]", file=file)
        for name, values in options.items():
            print(f"{name} =", "\n    ".join(values), file=file)
print("--volume", f"{conf}:/etc/pip.conf:ro", sep="\n")
for path in map(pathlib.Path, sorted(named)):
    lent = path.parent if path.name == "simple" else path  # an index on disk links to files beside it
    if lent.exists():
        print("--volume", f"{lent}:{lent}:ro", sep="\n")
' "$work/pip.conf"
}

make_base() {
    local suite archive base scratch
    suite=${SUITE:-$(. /etc/os-release; echo "$VERSION_CODENAME")}
    archive=${ARCHIVE:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Component: main' \
        | sed -n "s/^$suite //p" | head -n 1)}
    [ -n "$archive" ]
    base=.cache/image-test/$suite.tar
    if [ -z "$(find "$base" -mtime -7 2> /dev/null)" ]; then
        mkdir -p .cache/image-test
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$work/base" "$archive"
        rm -f "$work"/base/var/cache/apt/archives/*.deb
        tar -C "$work/base" -cf "$work/base.tar" .
        mv "$work/base.tar" "$base"
        rm -rf --one-file-system "$work/base"
    else
        note="kept from $(date --reference "$base" +%F)"
    fi
    scratch=$(buildah from scratch)
    buildah add "$scratch" "$base" /
    buildah commit --rm "$scratch" localhost/debian
}
buildah_build() {
    local lent
    lent=$(lend_pip)
    mapfile -t lent <<< "$lent"
    buildah build --isolation chroot --network host --format docker --layers=false "${lent[@]}" \
        --build-arg BASE_IMAGE=localhost/debian "$@" --tag localhost/silhouette "$work/context"
    container=$(buildah from localhost/silhouette)
    note=$(buildah images --format '{{.Size}}' localhost/silhouette)
}

# Runs a command in the image as its user, without capabilities, on a root that is remounted read-only. chroot isolation
# has no options for these, so a shell in the image sets them and becomes the command; it writes its process id first,
# into the file that $process names.
confined() {
    local user process=${process:-$work/other.pid}
    user=$(buildah inspect --format '{{.Docker.Config.User}}' "$container")
    : > "$process"
    # shellcheck disable=SC2016
    buildah run --isolation chroot --network host --user 0:0 --cap-add CAP_SYS_ADMIN \
        --mount "type=tmpfs,dst=/tmp,tmpfs-size=$TMP_SIZE" --volume "$process:/run/process" \
        "$container" -- setsid --wait sh -euc '
            echo $$ > /run/process
            mount -o remount,bind,ro /
            ids=$1; shift
            exec setpriv --reuid "${ids%:*}" --regid "${ids#*:}" --clear-groups --no-new-privs \
                --bounding-set -all --inh-caps -all "$@"' sh "$user" "$@"
}
buildah_inside() { confined "$@"; }
configured() { buildah inspect --format "{{range $1}}{{println .}}{{end}}" "$container" | sed "/^\$/d; s/\b8000\b/$port/"; }
buildah_start() {
    local command
    port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    address=127.0.0.1:$port
    mapfile -t command < <(configured .Docker.Config.Entrypoint; configured .Docker.Config.Cmd)
    process=$work/service.pid confined "${command[@]}" > "$work/service.log" 2>&1 &
    runner=$!
    until [ -s "$work/service.pid" ]; do kill -0 "$runner"; sleep 0.1; done
    service=$(cat "$work/service.pid")
}
buildah_runs() { kill -0 "$service"; }
buildah_log() { cat "$work/service.log"; }
buildah_health() {
    local command
    mapfile -t command < <(configured 'slice .Docker.Config.Healthcheck.Test 1')
    confined "${command[@]}"
}
buildah_stop() {
    local deadline=$((SECONDS + STOPPED_WITHIN_S))
    kill -TERM "$service"
    while kill -0 "$service"; do [ $SECONDS -lt $deadline ]; sleep 0.1; done
    wait "$runner"
    deadline=$((SECONDS + 10))  # what is left of its process group has still to be reaped by init
    while kill -0 -- "-$service"; do [ $SECONDS -lt $deadline ]; sleep 0.1; done
}
buildah_clean_up() { kill -KILL -- "-$(cat "$work/service.pid")"; }

# --- the steps

copy_context() {  # What a fresh clone would have: so the build has to pull its own weights. .dockerignore is for the engine.
    mkdir "$work/context"
    git ls-files -z --cached --others --exclude-standard \
        | tar --null --no-recursion --ignore-failed-read --files-from=- -cf - | tar -C "$work/context" -xf -
}

choose_torch_index() {
    local index
    index=$(grep -om1 'https://download.pytorch.org/whl/cpu' Dockerfile)
    if [ -n "${TORCH_INDEX+set}" ]; then
        build_args+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
        note="TORCH_INDEX='$TORCH_INDEX'"
    elif answers "$index" 10; then
        note=$index
    else
        build_args+=(--build-arg TORCH_INDEX=)
        note="pip's own sources, as $index can't be reached from here"
    fi
}

check_confinement() {
    local place
    [ "$("${engine}_inside" id -u)" = 10001 ]
    "${engine}_inside" touch /tmp/probe
    for place in / /opt/silhouette/model_store; do
        must_fail "${engine}_inside" touch "$place/probe" 2>&1 | grep "Read-only file system"
    done
}

check_contents() {
    local tool
    for tool in gcc cc make; do must_fail "${engine}_inside" sh -c "command -v $tool"; done
    for tool in pytest mypy skimage onnxruntime pip onnx tflite; do
        must_fail "${engine}_inside" python -c "import $tool"
    done
    "${engine}_inside" silhouette models verify
    "${engine}_inside" silhouette models pull
}

check_bill() {
    make sbom
    "${engine}_inside" python -c '
import importlib.metadata, re
for each in importlib.metadata.distributions(path=["/opt/venv/lib/python3.%d/site-packages" % __import__("sys").version_info.minor]):
    print(re.sub(r"[-_.]+", "-", each.name).lower(), each.version)' > "$work/installed"
    "$PYTHON" - out/silhouette-cpu.cdx.json "$work/installed" <<'PYTHON'
import json
import pathlib
import sys

bill, installed = map(pathlib.Path, sys.argv[1:])
listed = {(each["name"], each["version"]) for each in json.loads(bill.read_text())["components"]}
there = {tuple(line.split()) for line in installed.read_text().splitlines()}
assert there, "nothing is installed"
assert there <= listed, f"not in the bill: {there - listed}"
assert {name for name, _ in listed} == {name for name, _ in there}, f"only in the bill: {listed - there}"
PYTHON
}

wait_until_ready() {
    local deadline=$((SECONDS + READY_WITHIN_S))
    "${engine}_start"
    until answers "http://$address/readyz" 2; do
        "${engine}_runs"
        [ $SECONDS -lt $deadline ]
        sleep 0.5
    done
}

cut_out_photo() {
    "$PYTHON" - "http://$address/remove-background" <<'PYTHON'
import io
import sys
import urllib.request

from PIL import Image
from skimage import data

photo, jpeg = Image.fromarray(data.astronaut()), io.BytesIO()
photo.save(jpeg, "JPEG")
head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
form = head + jpeg.getvalue() + b"\r\n--edge--\r\n"
request = urllib.request.Request(sys.argv[1], form, {"Content-Type": "multipart/form-data; boundary=edge"})
with urllib.request.urlopen(request, timeout=60) as answer:
    cutout = Image.open(io.BytesIO(answer.read()))
assert (cutout.format, cutout.mode, cutout.size) == ("PNG", "RGBA", photo.size), cutout
alpha = cutout.getchannel("A")
face, wall = alpha.getpixel((220, 110)), alpha.getpixel((330, 20))
assert face > 239 and wall < 16, f"alpha is {face} in her face and {wall} on the wall behind"
PYTHON
}

greet_as_an_agent() {
    "$PYTHON" - "http://$address/mcp" <<'PYTHON'
import json
import sys
import urllib.request

params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "image test", "version": "1"}}
ask = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
with urllib.request.urlopen(urllib.request.Request(sys.argv[1], ask, headers), timeout=10) as answer:
    assert b'"serverInfo"' in answer.read()
PYTHON
}

work=$(mktemp -d "${TMPDIR:-/tmp}/silhouette-image.XXXXXX")
engine=
service=
address=
build_args=()
doing="copying what the image is built from"
exec {terminal}>&2
trap clean_up EXIT
trap 'exit 130' INT TERM

need() {  # need MEND COMMAND...
    if ! "${@:2}" > /dev/null 2>&1; then echo "image test: $1" >&2; exit 2; fi
}
need "$PYTHON has no scikit-image: run make test" "$PYTHON" -c "import PIL, skimage"
need "the build context is what git knows: a clone is needed" git rev-parse --is-inside-work-tree
if docker info > /dev/null 2>&1; then
    engine=docker
else
    for tool in buildah debootstrap; do
        need "no Docker engine answers, and $tool is not here: apt-get install buildah debootstrap" type -P $tool
    done
    need "buildah's chroot isolation and debootstrap need root" [ "$(id -u)" = 0 ]
    engine=buildah
fi
trap give_up ERR

copy_context
step "torch comes from" choose_torch_index
if [ $engine = buildah ]; then
    step "layers are kept by" choose_driver
    step "base made by debootstrap" make_base
fi
step "image built by $engine" "${engine}_build" "${build_args[@]}"
step "uid 10001, nothing can be written but /tmp" check_confinement
step "no compilers, test tools or downloaders inside, weights match their cards" check_contents
step "what is installed is what the bill of materials says" check_bill
step "ready" wait_until_ready
step "the studio is at /" answers "http://$address/studio/main.js" 5
step "a photo came back as an RGBA PNG, the person opaque and the wall transparent" cut_out_photo
step "an agent is greeted at /mcp" greet_as_an_agent
step "HEALTHCHECK passes" "${engine}_health"
step "SIGTERM ends it with exit code 0, nothing left running" "${engine}_stop"
echo "image test passed in $SECONDS s"
