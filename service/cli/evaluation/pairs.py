"""Pictures and their masks, as files with the same names. Knows no model.

What can be known to be wrong with a set is said before the first picture is worked on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from service.cli.files.disk import read_file
from service.cli.files.report import PhotoFailed
from service.configuration_errors import ConfigurationError
from service.models.labels import LabelMap, Size

SINGLE_CHANNEL, EQUAL_CHANNELS = ("L", "P"), ("1", "LA", "RGB", "RGBA")

MOST_NAMES = 5
"""That an error names."""


@dataclass(frozen=True)
class Pair:
    """A picture and its mask."""

    picture: Path
    mask: Path

    @property
    def name(self) -> str:
        return self.picture.stem

    def read_picture(self) -> bytes:
        """Raises ConfigurationError."""
        try:
            return read_file(self.picture)
        except PhotoFailed as failure:
            raise ConfigurationError(f"{self.picture}: {failure.detail}") from failure


def find_pairs(images: Path, masks: Path, skip_unpaired: bool = False) -> list[Pair]:
    """In the order of their names: images/cat.jpg goes with masks/cat.png.

    Raises ConfigurationError where a name is twice there, or has no partner and that was not allowed.
    """
    pictures, drawn = _by_stem(images), _by_stem(masks)
    both = sorted(pictures.keys() & drawn.keys())
    if not both:
        raise ConfigurationError(f"no file in {images} has the name of one in {masks}")
    if not skip_unpaired:
        _refuse_unpaired(pictures.keys() - drawn.keys(), drawn.keys() - pictures.keys())
    return [Pair(pictures[stem], drawn[stem]) for stem in both]


def spread(pairs: Sequence[Pair], limit: int | None) -> list[Pair]:
    """`limit` of them, evenly over the set."""
    count = min(limit or len(pairs), len(pairs))
    return [pairs[index * len(pairs) // count] for index in range(count)]


def _refuse_unpaired(pictures: Collection[str], masks: Collection[str]) -> None:
    kinds = {"there is no mask for": pictures, "there is no picture for": masks}
    if alone := [f"{kind} {listed(stems)}" for kind, stems in kinds.items() if stems]:
        raise ConfigurationError(f"{'; '.join(alone)}; --skip-unpaired leaves out what has no partner")


def listed(names: Collection[str]) -> str:
    """The first few."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(sorted(names)[:MOST_NAMES]) + more


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise ConfigurationError(f"no such folder: {folder}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith("."):
            continue
        if other := found.get(path.stem):
            raise ConfigurationError(f"{folder} has both {other.name} and {path.name}: one name, one file")
        found[path.stem] = path
    return found


def read_ids(mask: Path) -> LabelMap:
    """One number a pixel: of a palette the index, of grey the level.

    Raises ConfigurationError for a file that is no picture, or in colours: what a colour means is not ours to guess.
    """
    try:
        with Image.open(mask) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ConfigurationError(f"{mask}: cannot be read as a picture") from error
    if image.mode in SINGLE_CHANNEL:
        return np.array(image)
    channels = np.array(image.convert("RGB")) if image.mode in EQUAL_CHANNELS else None
    if channels is None or (channels != channels[..., :1]).any():
        raise ConfigurationError(f"{mask}: mode {image.mode}, but a mask has one 8-bit number a pixel: grey or palette")
    ids: LabelMap = channels[..., 0]
    return ids


def check_sizes(pairs: Sequence[Pair]) -> None:
    """Raises ConfigurationError where masks are not as large as their pictures, as far as headers tell."""
    wrong = [pair for pair in pairs if not _may_fit(_header_size(pair.picture), _header_size(pair.mask))]
    if wrong:
        names = listed([pair.name for pair in wrong])
        first = f"{wrong[0].name}: {_header_size(wrong[0].mask)} for {_header_size(wrong[0].picture)}"
        said = f"{len(wrong)} masks are not as large as their pictures ({names}; {first})"
        raise ConfigurationError(f"{said}; --resize-masks resizes, by the nearest pixel")


def _may_fit(picture: tuple[int, int] | None, mask: tuple[int, int] | None) -> bool:
    """A picture may lie on its side, and be put upright when it is decoded."""
    return picture is None or mask is None or picture == mask or picture == mask[::-1]


def _header_size(path: Path) -> tuple[int, int] | None:
    """None where only the service's own decoders, or nobody, can tell."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def fitted(ids: LabelMap, size: Size, pair: Pair, resize: bool) -> LabelMap:
    """At the picture's upright size. Raises ConfigurationError where it has another one and may not be resized."""
    height, width = ids.shape
    if (width, height) == size:
        return ids
    if not resize:
        said = f"{pair.mask} is {width} x {height}, {pair.picture.name} (upright) {size.width} x {size.height}"
        raise ConfigurationError(f"{said}; --resize-masks resizes, by the nearest pixel")
    return np.asarray(Image.fromarray(ids).resize(size, Image.Resampling.NEAREST))
