"""The pixel stages of the checkout in which it is started, this one or an older one: see `pixel_stages.py`."""

import hashlib
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

MAX_PIXELS = 200_000_000
MODEL = "u2net"


class Stages:
    """CPU time of all threads of this process, in the order in which the stages are left."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.process_time()

    def end(self, name: str) -> None:
        now = time.process_time()
        self.ms[name] = (now - self._last) * 1000
        self._last = now


TODAY = {
    "decode": "service.pixels.decode",
    "fit": "service.models.inputs",
    "Prediction": "service.models.labels",
    "ModelStore": "service.models.store",
    "matte": "service.pixels.matting",
    "Scene": "service.operations.effect",
    "RemoveBackgroundOptions": "service.operations.remove_background",
    "cutout": "service.operations.remove_background",
    "png": "service.pixels.encoders.pictures",
    "return_large_blocks": "service.workers.allocator",
}
BEFORE = {
    "decode": "service.images",
    "fit": "service.inputs",
    "Prediction": "service.labels",
    "ModelStore": "service.store",
    "matte": "service.matting",
    "Scene": "service.effects",
    "RemoveBackgroundOptions": "service.options",
    "cutout": "service.effects",
    "png": "service.encoders.pictures",
    "return_large_blocks": "service.allocator",
}
"""Where a build has what; the second is how they were laid out until `service/pixels/`."""


def measure(build: dict[str, Any], card: Any, file: Path, keep: Path | None) -> tuple[dict[str, float], Any]:
    """CPU milliseconds of each stage of a cutout at default options, and the picture.

    Nothing but the stages: who is seen in here with the interpreter's lock counts as a stage that holds it.
    """
    encoded, scores = file.read_bytes(), np.load(file.with_suffix(".npy"))
    options = build["RemoveBackgroundOptions"]()
    stages = Stages()
    photo = build["decode"](encoded, MAX_PIXELS)
    stages.end("decode")
    _, box = build["fit"](photo.on_white(), card)
    stages.end("resize")
    prediction = build["Prediction"](card.output.head, scores, box, photo.size, card.class_table)
    soft = build["matte"](prediction, (1,), photo)
    stages.end("matte")
    picture = build["cutout"](build["Scene"].of(photo, soft, {}, options), options)
    stages.end("compose")
    png = build["png"](picture, 100, "fast")
    stages.end("encode")
    if keep:
        (keep / f"{file.stem}.png").write_bytes(png)
    return stages.ms, picture


def main() -> None:
    """Answers each line of standard input, the path of a JPEG beside its scores, with a line of JSON."""
    sys.path.insert(0, str(Path.cwd()))
    threadpool_limits(1, user_api="blas")  # as the service does
    places = TODAY if Path("service/pixels").is_dir() else BEFORE
    build = {name: getattr(importlib.import_module(module), name) for name, module in places.items()}
    build["return_large_blocks"]()  # as `silhouette serve` does
    card = build["ModelStore"](Path("model_store")).card(MODEL)
    keep = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for line in sys.stdin:
        ms, picture = measure(build, card, Path(line.strip()), keep)
        print(json.dumps({"ms": ms, "sha256": hashlib.sha256(picture.tobytes()).hexdigest()}), flush=True)


if __name__ == "__main__":
    main()
