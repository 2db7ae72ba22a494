"""The process that decodes one HEIC, run by its path: it knows nothing of the service, and gets nothing but a picture.

pi-heif trusts what a file says of itself, and damaged ones were seen to end the process, some of them a picture later.
Whatever comes of that, it comes here, and to nobody else's picture.

In: {"bytes": n, "deep": b} in one line, then the file. Out: one line, then the profile and the pixels whose lengths it
tells; or {"failure": text}.
"""

import contextlib
import json
import os
import resource
import sys
from typing import Any, BinaryIO

import pi_heif

MAX_MEMORY_BYTES = 3 << 30
"""Address space. 64 megapixels of 10 bits take 1.2 GB."""
MAX_CPU_S = 60
"""After which the process is killed. 64 megapixels take some 11 s of a core of 2024."""


def limit_self() -> None:
    """No more than any picture needs, no file written, no core left behind."""
    most = {
        resource.RLIMIT_AS: MAX_MEMORY_BYTES,
        resource.RLIMIT_CPU: MAX_CPU_S,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, limit in most.items():
        with contextlib.suppress(ValueError):  # there is a lower one already
            resource.setrlimit(what, (limit, limit))


def answer(file: pi_heif.HeifFile) -> tuple[dict[str, Any], bytes, Any]:
    """What is said of the primary picture, its profile, and its pixels, which are there while `file` is."""
    picture = file[file.primary_index]
    pixels, profile = picture.data, picture.info.get("icc_profile") or b""
    said = {
        "size": picture.size,
        "mode": picture.mode,
        "bits": picture.info["bit_depth"],
        "frames": len(file),
        "stride": picture.stride,
        "profile": len(profile),
        "pixels": len(pixels),
    }
    return said, profile, pixels


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """The one question there is."""
    question = json.loads(questions.readline())
    encoded = questions.read(question["bytes"])
    try:
        file = pi_heif.open_heif(encoded, convert_hdr_to_8bit=not question["deep"])
        said, profile, pixels = answer(file)
    except Exception as error:
        said, profile, pixels = {"failure": str(error) or type(error).__name__}, b"", b""
    for part in (json.dumps(said).encode() + b"\n", profile, pixels):
        answers.write(part)
    answers.flush()


if __name__ == "__main__":
    pi_heif.options.DECODE_THREADS = 1  # the service has a thread a core already
    limit_self()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a library prints is no answer
    serve(sys.stdin.buffer, answers)
