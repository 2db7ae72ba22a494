"""What the refinement network learns from: photos with a model's answer, and painted shapes with a spoiled one."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import distance_transform_edt, gaussian_filter

from benchmarks.quality.labelled import read_truth
from service.cli.evaluation.pairs import Pair
from service.models.labels import Size

PAINTED_SHARE = 0.45
SMALLEST_GRID, LARGEST_GRID = 36, 320

GROWTH_PX = 0.3
"""Outlines drawn by people lie a little inside the edge: by 0.4 pixels in the set this was trained on."""

Random = np.random.Generator
Plane = NDArray[np.float32]


class Example(NamedTuple):
    """A picture, its true matte (H, W) in [0, 1], and an answer (h, w) in [0, 1]."""

    picture: Image.Image
    truth: Plane
    answer: Plane


@dataclass(frozen=True)
class Photos:
    """Pictures with masks, and a model's answers."""

    pairs: Sequence[Pair]
    answers: Path

    def picture(self, index: int) -> Image.Image:
        return open_picture(self.pairs[index].picture)

    def truth(self, index: int) -> Plane:
        mask = read_truth(self.pairs[index].mask, Size(*self.picture(index).size)).ids != 0
        outside_px, inside_px = distance_transform_edt(~mask), distance_transform_edt(mask)
        return (inside_px - outside_px + (0.5 - mask) + GROWTH_PX + 0.5).clip(0, 1).astype(np.float32)

    def answer(self, index: int) -> Plane:
        return np.load(self.answers / f"{self.pairs[index].picture.stem}.npy").astype(np.float32)


@cache
def open_picture(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def photographed(photos: Photos, random: Random) -> Example:
    """A photo at a random size, and the model's answer, reduced."""
    index = random.integers(len(photos.pairs))
    picture, truth, answer = photos.picture(index), photos.truth(index), photos.answer(index)
    if random.random() < 0.6:
        scale = random.uniform(0.4, 1)
        size = Size(round(picture.width * scale), round(picture.height * scale))
        picture, truth = picture.resize(size, Image.Resampling.LANCZOS), resize(truth, size)
    answer = resize(answer, random_grid(Size(*picture.size), random))
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        truth, answer = truth[:, ::-1], answer[:, ::-1]
    if random.random() < 0.5:
        gamma = np.exp(random.normal() * 0.3)
        picture = picture.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)
    return Example(picture, np.ascontiguousarray(truth), np.ascontiguousarray(answer))


def random_grid(size: Size, random: Random) -> Size:
    """Of an answer: square as U-Net's, or of the picture's proportions."""
    side = min(LARGEST_GRID, int(np.exp(random.uniform(np.log(SMALLEST_GRID), np.log(LARGEST_GRID + 1)))))
    height = side if random.random() < 0.55 else side * size.height // size.width
    return Size(side, max(24, min(LARGEST_GRID, height)))


def resize(plane: Plane, size: Size, filter_: Image.Resampling = Image.Resampling.BOX) -> Plane:
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, filter_))


def painted(photos: Photos, random: Random) -> Example:
    """A shape of one photo's texture over another's, as a camera would see it."""
    size = Size(*random.integers(220, 520, 2).tolist())
    shape = SHAPES[random.choice(list(SHAPES))](photos, size, random)
    truth = gaussian_filter(shape, random_blur_px(random))
    inside, outside = texture(photos, size, random), texture(photos, size, random)
    if random.random() < 0.25:  # low contrast
        likeness = random.uniform(0.2, 0.7)
        outside = outside * (1 - likeness) + inside.mean((0, 1)) * likeness
    if random.random() < 0.3:  # a subject of nearly one colour
        inside = inside * 0.2 + inside.mean((0, 1)) * 0.8
    alpha = truth[..., np.newaxis]
    colors = alpha * inside + (1 - alpha) * outside
    colors += random.normal(size=colors.shape) * random.choice([0, 0.01, 0.03])
    picture = Image.fromarray(np.rint(colors.clip(0, 1) * 255).astype(np.uint8))
    return Example(photographed_again(picture, random), truth, mistaken(truth, random))


def random_blur_px(random: Random) -> float:
    """Of an outline: most are sharp, some are out of focus."""
    if random.random() < 0.25:
        return float(np.exp(random.uniform(np.log(1.5), np.log(10))))
    return float(random.uniform(0.3, 1.1)) if random.random() < 0.75 else 0.0


def texture(photos: Photos, size: Size, random: Random) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]: a random part of a random photo, sometimes out of focus, in another light."""
    photo = photos.picture(random.integers(len(photos.pairs)))
    scale = random.uniform(0.35, 1)
    width, height = min(photo.width, int(size.width * scale)), min(photo.height, int(size.height * scale))
    left, top = random.integers(photo.width - width + 1), random.integers(photo.height - height + 1)
    part = photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
    if random.random() < 0.35:
        part = part.filter(ImageFilter.GaussianBlur(random.uniform(1, 8)))
    light = np.exp(random.normal() * 0.35)
    tint = np.clip(1 + random.normal(size=3) * 0.1, 0.5, 1.3)
    return ((np.asarray(part) / 255) ** light * tint + random.normal() * 0.08).clip(0, 1)


def photographed_again(picture: Image.Image, random: Random) -> Image.Image:
    """With the traces of JPEG, mostly."""
    if random.random() < 0.4:
        return picture
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(random.integers(55, 96)))
    return Image.open(file).convert("RGB")


def mistaken(truth: Plane, random: Random) -> Plane:
    """An answer as a network gives it: coarse, soft, too sure, and off by what varies slowly along the outline."""
    height, width = truth.shape
    grid = random_grid(Size(width, height), random)
    filter_ = Image.Resampling.BOX if grid.width < width else Image.Resampling.BILINEAR
    answer = gaussian_filter(resize(truth, grid, filter_), random.uniform(0.3, 1.1)).clip(0.003, 0.997)
    error = gaussian_filter(random.normal(size=answer.shape), np.exp(random.uniform(np.log(1.5), np.log(12))))
    logits = np.log(answer / (1 - answer)) * random.uniform(0.8, 2)
    logits += error / error.std() * random.uniform(0, 0.8)
    answer = 1 / (1 + np.exp(-logits))
    return (gaussian_filter(answer, random.uniform(0.3, 1)) if random.random() < 0.2 else answer).astype(np.float32)


def blobs(_: Photos, size: Size, random: Random) -> Plane:
    noise = gaussian_filter(
        random.normal(size=(size.height, size.width)), np.exp(random.uniform(np.log(6), np.log(60)))
    )
    return antialiased((noise > np.quantile(noise, random.uniform(0.3, 0.7))).astype(np.float32), size)


def silhouettes(photos: Photos, size: Size, random: Random) -> Plane:
    return antialiased(photos.truth(random.integers(len(photos.pairs))), size)


def antialiased(mask: Plane, size: Size) -> Plane:
    """A rough mask with a smooth outline, at `size`."""
    twice = Size(2 * size.width, 2 * size.height)
    smooth = resize(gaussian_filter(mask, 1.5), twice, Image.Resampling.BICUBIC)
    return resize((smooth > 0.5).astype(np.float32), size)


def polygons(_: Photos, size: Size, random: Random) -> Plane:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        for _ in range(random.integers(1, 4)):
            angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 14)))
            radii = random.uniform(0.1, 0.5) * 2 * min(size) * random.uniform(0.4, 1, len(angles))
            x, y = random.uniform(0, 2 * size.width), random.uniform(0, 2 * size.height)
            pen.polygon(list(zip(x + radii * np.cos(angles), y + radii * np.sin(angles), strict=True)), fill=255)

    return drawn(draw, size)


def strands(_: Photos, size: Size, random: Random) -> Plane:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        for _ in range(random.integers(3, 25)):
            turns = random.uniform(0, 2 * np.pi) + np.cumsum(random.normal(size=40) * 0.15)
            x = random.uniform(0, 2 * size.width) + np.cumsum(8 * np.cos(turns))
            y = random.uniform(0, 2 * size.height) + np.cumsum(8 * np.sin(turns))
            pen.line(list(zip(x, y, strict=True)), fill=255, width=int(random.integers(1, 12)), joint="curve")

    return drawn(draw, size)


def drawn(draw: Callable[[ImageDraw.ImageDraw], None], size: Size) -> Plane:
    """What `draw` paints at twice the size."""
    canvas = Image.new("L", (2 * size.width, 2 * size.height))
    draw(ImageDraw.Draw(canvas))
    return resize((np.asarray(canvas) / 255).astype(np.float32), size)


def mixtures(photos: Photos, size: Size, random: Random) -> Plane:
    body = blobs if random.random() < 0.5 else polygons
    return np.maximum(body(photos, size, random), strands(photos, size, random))


SHAPES: dict[str, Callable[[Photos, Size, Random], Plane]] = {
    "blobs": blobs,
    "silhouettes": silhouettes,
    "polygons": polygons,
    "strands": strands,
    "mixtures": mixtures,
}


def example(photos: Photos, random: Random) -> Example:
    return (painted if random.random() < PAINTED_SHARE else photographed)(photos, random)
