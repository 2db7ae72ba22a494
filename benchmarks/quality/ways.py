"""Ways from what a network says of a photo to a matte, side by side. Knows no truth and no scores.

To add one, write a function and its row in `WAYS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from service.models.decisions import class_probabilities
from service.models.ensemble import closest, fuse
from service.models.labels import Prediction
from service.models.second_look import averaged, closer, mirror, subject_crop
from service.pixels.decode import Photo
from service.pixels.matting import Matte, matte


@dataclass(frozen=True)
class Shot:
    """A photo, what the network said of it, and the classes that are the subject."""

    photo: Photo
    prediction: Prediction
    class_ids: Sequence[int]
    look: Callable[[Image.Image], Prediction]
    """Asks the network again, of any other picture."""
    outline: Callable[[Image.Image], Prediction] | None = None
    """Asks the model that draws, where there is a second one for that."""


Way = Callable[[Shot], Matte]


def bilinear(shot: Shot) -> Matte:
    return matte(shot.prediction, shot.class_ids, shot.photo, "off")


def rembg(shot: Shot) -> Matte:
    """As rembg does it: stretched to the whole range, cut to 8 bits, enlarged with LANCZOS.

    Source: rembg 2.0, sessions/u2net.py, `predict`; what it does for every model of that kind. It also divides the
    network's input by the picture's brightest value, which is 255 in 5 of 6 photos or more of every set in
    docs/quality.md; not done here, so that all ways start from one answer.
    """
    probabilities, box = class_probabilities(shot.prediction)
    kept = probabilities[list(shot.class_ids)].sum(axis=0)
    spread = np.ptp(kept)
    stretched = (kept - kept.min()) / spread if spread else np.zeros_like(kept)
    small = Image.fromarray((stretched * 255).astype(np.uint8))
    soft = small.resize(shot.photo.size, Image.Resampling.LANCZOS, box=box)
    return soft if shot.photo.alpha is None else ImageChops.multiply(soft, shot.photo.alpha)


def fast(shot: Shot) -> Matte:
    return matte(shot.prediction, shot.class_ids, shot.photo)


def balanced(shot: Shot) -> Matte:
    return matte(_closer(shot), shot.class_ids, shot.photo)


def best(shot: Shot) -> Matte:
    picture = shot.photo.on_white()
    seen = averaged(shot.prediction, shot.look(mirror(picture)))
    crop = subject_crop(seen, tuple(shot.class_ids))
    if crop is not None:
        part = picture.crop(crop)
        seen = closer(seen, averaged(shot.look(part), shot.look(mirror(part))), crop)
    return matte(seen, shot.class_ids, shot.photo)


def ensemble(shot: Shot) -> Matte:
    """`model=best`: the classes as in the other ways, the outline from the second model."""
    assert shot.outline is not None
    subject = fuse(shot.outline(shot.photo.on_white()), shot.prediction, tuple(shot.class_ids))
    return matte(subject.prediction, subject.class_ids, shot.photo)


def ensemble_balanced(shot: Shot) -> Matte:
    """The same with `effort=balanced`: the second model looks again, closer at what was found."""
    assert shot.outline is not None
    picture = shot.photo.on_white()
    drawn, kept = shot.outline(picture), tuple(shot.class_ids)
    subject = fuse(drawn, shot.prediction, kept)
    crop = subject_crop(subject.prediction, subject.class_ids)
    if crop is not None:
        second = fuse(closer(drawn, shot.outline(picture.crop(crop)), crop), shot.prediction, kept)
        subject = closest(second, subject)
    return matte(subject.prediction, subject.class_ids, shot.photo)


def _closer(shot: Shot) -> Prediction:
    crop = subject_crop(shot.prediction, tuple(shot.class_ids))
    if crop is None:
        return shot.prediction
    return closer(shot.prediction, shot.look(shot.photo.on_white().crop(crop)), crop)


BASELINE, PEER, DEFAULT = "bilinear", "rembg", "fast"

WAYS: dict[str, Way] = {
    BASELINE: bilinear,
    PEER: rembg,
    DEFAULT: fast,
    "balanced": balanced,
    "best": best,
}
"""The baseline first, the best of ours last."""

TOGETHER: dict[str, Way] = {
    "ensemble": ensemble,
    "ensemble-balanced": ensemble_balanced,
}
"""What a second model makes possible."""
