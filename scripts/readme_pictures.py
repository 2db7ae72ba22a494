"""Makes the pictures of the README with a running service: `python scripts/readme_pictures.py http://127.0.0.1:8000`.

The astronaut (NASA, public domain) and the cat (CC0) come from scikit-image.
"""

import io
import sys
from pathlib import Path

import httpx2
from PIL import Image
from skimage import data

DOCS = Path(__file__).resolve().parent.parent / "docs"
HEIGHT_PX = 340
GAP_PX = 8


def main(url: str) -> None:
    astronaut, cat = Image.fromarray(data.astronaut()), Image.fromarray(data.chelsea())
    row = [
        astronaut,
        ask(url, "/replace-background", astronaut, color="#1e90ff"),
        ask(url, "/color-pop", astronaut, model="selfie"),
        cat,
        on_checkerboard(ask(url, "/remove-background", cat)),
    ]
    side_by_side(row).save(DOCS / "before-after.webp", quality=85)


def ask(url: str, path: str, photo: Image.Image, **options: str) -> Image.Image:
    body = io.BytesIO()
    photo.save(body, "PNG")
    response = httpx2.post(f"{url}{path}", files={"image": body.getvalue()}, data=options, timeout=120)
    response.raise_for_status()
    return Image.open(io.BytesIO(response.content))


def on_checkerboard(cutout: Image.Image, square_px: int = 12) -> Image.Image:
    tile = Image.new("L", (2, 2), 255)
    tile.putpixel((0, 0), 215)
    tile.putpixel((1, 1), 215)
    board = Image.new("RGB", cutout.size)
    square = tile.resize((2 * square_px, 2 * square_px), Image.Resampling.NEAREST).convert("RGB")
    for top in range(0, cutout.height, square.height):
        for left in range(0, cutout.width, square.width):
            board.paste(square, (left, top))
    board.paste(cutout, mask=cutout)
    return board


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    scaled = [picture.resize((round(picture.width * HEIGHT_PX / picture.height), HEIGHT_PX)) for picture in pictures]
    width = sum(picture.width for picture in scaled) + GAP_PX * (len(scaled) - 1)
    row = Image.new("RGB", (width, HEIGHT_PX), "white")
    left = 0
    for picture in scaled:
        row.paste(picture, (left, 0))
        left += picture.width + GAP_PX
    return row


if __name__ == "__main__":
    main(sys.argv[1])
