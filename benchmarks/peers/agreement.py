"""Whether the servers cut the same thing out: each one's alpha beside the peer's own, on the same photos."""

import io
import math
from dataclasses import dataclass

import httpx2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness.load import HOST
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import StartFailed
from benchmarks.peers.cells import GRACE_S, Contender

SIZE_NAME = "1080p"

Alphas = list[NDArray[np.float32]]
"""(H, W) in [0, 1], one a photo."""


@dataclass(frozen=True)
class Agreement:
    """Means over the photos. NaN where the server gave no cutout."""

    server: str
    alpha_iou: float = math.nan
    """Of what has an alpha of 0.5 or more."""
    alpha_mae: float = math.nan
    """Of alpha from 0 to 1."""
    failure: str = ""


def agreement(server: str, mine: Alphas, reference: Alphas) -> Agreement:
    pairs = list(zip(mine, reference, strict=True))
    ious = [_iou(alpha >= 0.5, theirs >= 0.5) for alpha, theirs in pairs]
    maes = [float(np.abs(alpha - theirs).mean()) for alpha, theirs in pairs]
    return Agreement(server, float(np.mean(ious)), float(np.mean(maes)))


def _iou(mine: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    either = (mine | theirs).sum()
    return float((mine & theirs).sum() / either) if either else 1.0


def compare(contender: Contender, reference: Alphas) -> Agreement:
    try:
        return agreement(contender.name, alphas(contender), reference)
    except (StartFailed, OSError, httpx2.HTTPError) as error:
        return Agreement(contender.name, failure=str(error))


def alphas(contender: Contender) -> Alphas:
    """Of the cutouts of all photos. Raises StartFailed, httpx2.HTTPError, or OSError for what is no picture."""
    with contender.start() as server:
        return [_alpha(_post(server.port, contender.ask(photo))) for photo in photos(SIZE_NAME)]


def _post(port: int, request: bytes) -> bytes:
    """The same request as the load generator's, with its answer kept."""
    head, _, body = request.partition(b"\r\n\r\n")
    path, kind = head.split(b" ")[1].decode(), head.rpartition(b"Content-Type: ")[2].decode()
    url = f"http://{HOST}:{port}{path}"
    return httpx2.post(url, content=body, headers={"Content-Type": kind}, timeout=GRACE_S).raise_for_status().content


def _alpha(cutout: bytes) -> NDArray[np.float32]:
    rgba = Image.open(io.BytesIO(cutout)).convert("RGBA")
    return np.asarray(rgba.getchannel("A"), np.float32) / np.float32(255)
