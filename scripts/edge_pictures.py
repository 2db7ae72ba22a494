"""Makes `docs/edges.webp`: edges of known photos, closer, as each way to a matte cuts them out.

`python scripts/edge_pictures.py`, with u2net pulled. The photos come from scikit-image: the astronaut is in the public
domain (NASA); the cat (Stefan van der Walt), the coffee (Rachel Michetti) and the cameraman (Lav Varshney) are CC0.
"""

import sys
from pathlib import Path

from PIL import Image
from skimage import data

if not __package__:  # started as a file: Python then looks for imports beside this file, not in the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.quality.network import Network
from benchmarks.quality.ways import BASELINE, DEFAULT, PEER, WAYS, Shot
from benchmarks.quality.worst import Region
from service.cli.evaluation.contact_sheet import CELL, Row, below
from service.pixels.decode import Photo
from service.pixels.matting import Matte

SHEET = Path(__file__).resolve().parent.parent / "docs" / "edges.webp"

SIDE_PX = 80
"""These photos are 512 pixels across: with an answer of 80 x 80 they stand for photos of 2000."""

BEHIND = (38, 160, 150)

EDGES: dict[str, tuple[str, Region]] = {
    "hair": ("astronaut", (130, 0, 310, 180)),
    "a sleeve before stripes": ("astronaut", (10, 230, 190, 410)),
    "whiskers": ("chelsea", (0, 150, 150, 300)),
    "a saucer on wood of its colour": ("coffee", (60, 200, 240, 380)),
    "a hand, a camera": ("camera", (220, 90, 400, 270)),
    "thin legs": ("camera", (230, 270, 430, 470)),
}
"""What is to be seen -> the photo, and where in it."""


def main() -> None:
    network = Network("u2net", side_px=SIDE_PX)
    names = dict.fromkeys(name for name, _ in EDGES.values())
    photos = {name: Image.fromarray(getattr(data, name)()).convert("RGB") for name in names}
    mattes = {name: mattes_of(photo, network) for name, photo in photos.items()}
    rows = [row(what, photos[name], mattes[name], region) for what, (name, region) in EDGES.items()]
    below([drawn.draw() for drawn in rows]).save(SHEET, quality=82)


def mattes_of(photo: Image.Image, network: Network) -> dict[str, Matte]:
    """The baseline's, the peer's, and ours as it comes by default."""
    shot = Shot(Photo(photo), network.look(photo), network.card.class_table.foreground, network.look)
    return {way: WAYS[way](shot) for way in (BASELINE, PEER, DEFAULT)}


def row(what: str, photo: Image.Image, mattes: dict[str, Matte], region: Region) -> Row:
    ground = Image.new("RGB", photo.size, BEHIND)
    cutouts = {way: Image.composite(photo, ground, matte) for way, matte in mattes.items()}
    return Row(what, {name: closer(picture, region) for name, picture in {"photo": photo, **cutouts}.items()})


def closer(picture: Image.Image, region: Region) -> Image.Image:
    return picture.crop(region).resize((CELL.width, CELL.width), Image.Resampling.BICUBIC)


if __name__ == "__main__":
    main()
