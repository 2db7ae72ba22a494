"""Several results in one answer: arrays as NPZ, files as ZIP. Equal input gives equal bytes."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from service.models.labels import LabelMap
from service.pixels.threads import pixel_work

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time ZIP can say
READABLE_FILE = 0o100644 << 16  # Unix mode, where `unzip` looks for it


@pixel_work
def npz(labels: LabelMap, confidence: NDArray[np.uint8], names: Sequence[str]) -> bytes:
    """Arrays "labels" and "confidence", both (H, W), and "names", by class id. Loads with allow_pickle=False."""
    out = BytesIO()
    np.savez_compressed(out, labels=labels, confidence=confidence, names=np.array(names, dtype=np.str_))
    return out.getvalue()


@pixel_work
def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Stored, not deflated: the files are PNGs, which are compressed already."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE_FILE
            archive.writestr(entry, content, zipfile.ZIP_STORED)
    return out.getvalue()
