#!/bin/sh
# safetensors 0.8.0 (0.7.0 beside it): safetensors.numpy.save writes an array's memory as it lies, under the shape that it is seen in.
# What was transposed, as kernels are on their way from TensorFlow's order of axes to torch's, comes back with every value there
# and in other places: the network loads, runs and answers nonsense. 0.7.0 wrote what was meant; for torch, the same package
# refuses such tensors, so that nobody expects it of numpy. np.ascontiguousarray() before saving is right in both.
# Seen, of the transpose of [[0, 1, 2], [3, 4, 5]]: 0.7.0 [[0, 3], [1, 4], [2, 5]]; 0.8.0 [[0, 1], [2, 3], [4, 5]].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 0.7.0 0.8.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "safetensors==$version" "numpy>=2,<3"
    "$folder/$version/bin/python" - <<'PYTHON' | tee "$folder/$version.txt"
import numpy as np
from safetensors.numpy import load, save

kernel = np.arange(6, dtype=np.float32).reshape(2, 3).T
for name, written in (("as it is", kernel), ("contiguous", np.ascontiguousarray(kernel))):
    print(f"{name}:", load(save({"weight": written}))["weight"].astype(int).tolist())
PYTHON
done
cat > "$folder/meant" <<'SEEN'
as it is: [[0, 3], [1, 4], [2, 5]]
contiguous: [[0, 3], [1, 4], [2, 5]]
SEEN
cat > "$folder/other" <<'SEEN'
as it is: [[0, 1], [2, 3], [4, 5]]
contiguous: [[0, 3], [1, 4], [2, 5]]
SEEN
cmp "$folder/meant" "$folder/0.7.0.txt"
cmp "$folder/other" "$folder/0.8.0.txt"
