#!/bin/sh
# kserve 0.21.0, beside tritonclient 2.73.0: an output of datatype BYTES that comes as binary data is bytes to Triton's client,
# and text to KServe's, which raises where it is no UTF-8: a picture cannot be answered as BYTES. Seen, of the four bytes
# 89 50 4e 47 with which a PNG begins:
#   tritonclient: [b'\x89PNG'] [137, 80, 78, 71]
#   kserve: InferenceError: Failed to encode "b'\x89PNG'" using UTF-8. Please use binary_data=True, ... [137, 80, 78, 71]
# An array of UINT8, which stands second, reaches both. (KServe brings Kubernetes' and gRPC's packages along: 450 MB.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kserve==0.21.0 'tritonclient[http]==2.73.0' 2>/dev/null
cat > read.py <<'PY'
import json
import sys

from kserve.protocol.infer_type import InferResponse
from tritonclient.http import InferResult


def answer(datatype, shape, raw):
    output = {"name": "picture", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"model_name": "m", "outputs": [output]}).encode()
    return head + raw, len(head)


def by_kserve(body, json_bytes):
    try:
        return InferResponse.from_bytes(body, json_bytes).outputs[0].as_numpy().tolist()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def by_triton(body, json_bytes):
    return InferResult.from_response_body(body, header_length=json_bytes).as_numpy("picture").tolist()


as_bytes = answer("BYTES", [1], b"\x04\x00\x00\x00\x89PNG")
as_levels = answer("UINT8", [4], b"\x89PNG")
print("tritonclient:", by_triton(*as_bytes), by_triton(*as_levels))
print("kserve:", by_kserve(*as_bytes), by_kserve(*as_levels))
same = by_triton(*as_levels) == by_kserve(*as_levels) == list(b"\x89PNG")
differ = by_triton(*as_bytes) == [b"\x89PNG"] and "Error" in by_kserve(*as_bytes)
sys.exit(0 if same and differ else 1)
PY
venv/bin/python read.py
