"""Trains the network in `service/refinement`: what it is to say of a pixel is learned from pictures with masks.

Half of the examples are photos with the real answer of a model, reduced to a random size; the others are shapes painted
here, of one photo's texture over another's, with an answer that is wrong in the way of networks. Each round collects
examples with the network so far, level by level as the service does, and then fits it to the last two rounds'.

  python scripts/train_refinement.py PHOTOS --out service/refinement/weights.safetensors

PHOTOS has images/ and masks/ with the same names; a mask is 0 where there is no subject. Needs the `dev` extra.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from safetensors.numpy import save_file
from scipy.ndimage import distance_transform_edt, gaussian_filter
from threadpoolctl import threadpool_limits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import itertools

from benchmarks.labelled import Pair, find_pairs, read_truth
from benchmarks.network import Network
from service.cli.console import say
from service.labels import Box, Size
from service.refinement.cascade import coarsest_mattes, correct, double, doubts, four, halvings, level_count
from service.refinement.network import FULL_RANGE, LEAST, LOGITS, MOST, RefinementNetwork
from service.refinement.surroundings import FEATURES, RANGE_COLUMN, SCALES, describe

HIDDEN = (96, 48)
PAINTED_SHARE = 0.45
SMALLEST_GRID, LARGEST_GRID = 36, 320
PIXELS_PER_LEVEL = 700
"""Kept of each level of an example, so that a picture with a long outline does not outweigh the others."""

WEIGHT_WHERE_RIGHT = 1.6
"""Spoiling what was right weighs more than leaving a fault: "never worse" is worth more than "often better"."""

GROWTH_PX = 0.3
"""Outlines drawn by people lie a little inside the edge: by 0.4 pixels in the set this was trained on."""

BATCH = 4096
LEARNING_RATE = 3e-3

Random = np.random.Generator
Plane = NDArray[np.float32]


class Example(NamedTuple):
    """A picture, its true matte (H, W) in [0, 1], and an answer (h, w) in [0, 1]."""

    picture: Image.Image
    truth: Plane
    answer: Plane


@dataclass(frozen=True)
class Lesson:
    """Unsure pixels: what is known of them, what the answer for their four parts is, and what it should be."""

    features: NDArray[np.float16]
    before: NDArray[np.uint8]
    truth: NDArray[np.float16]


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


def ask_model(pairs: Sequence[Pair], answers: Path, name: str) -> None:
    """The answer of the model for each picture, (h, w), one file each; those that are there are kept."""
    answers.mkdir(parents=True, exist_ok=True)
    missing = [pair for pair in pairs if not (answers / f"{pair.picture.stem}.npy").exists()]
    if not missing:
        return
    network = Network(name)
    for pair in missing:
        scores = network.see(pair.picture).prediction.scores[0]
        np.save(answers / f"{pair.picture.stem}.npy", scores.astype(np.float16))


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
    truth = gaussian_filter(shape, random.uniform(0.3, 1.1)) if random.random() < 0.8 else shape
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


def collect(photos: Photos, network: RefinementNetwork | None, seed: int, count: int) -> Lesson:
    """What there is to learn from `count` examples, for the network as it is."""
    random = np.random.default_rng(seed)
    lessons: list[Lesson] = []
    with threadpool_limits(1):
        for _ in range(count):
            example = (painted if random.random() < PAINTED_SHARE else photographed)(photos, random)
            lessons += walk(example, network, random)
    return joined(lessons)


def walk(example: Example, network: RefinementNetwork | None, random: Random) -> Iterator[Lesson]:
    """Down the cascade, level by level; without a network nothing is corrected on the way."""
    height, width = example.answer.shape
    size = Size(*example.picture.size)
    count = level_count(Size(width, height), size) + SCALES - 1
    pictures = halvings(example.picture, count)
    truths = halvings(Image.fromarray(np.rint(example.truth * 255).astype(np.uint8)), count)
    mattes = coarsest_mattes(example.answer, Box(0, 0, width, height), pictures[:SCALES], size)
    for index in range(SCALES - 1, count):
        if index == len(mattes):
            mattes.append(double(mattes[-1], pictures[index].size))
        scales = slice(index - SCALES + 1, index + 1)
        yield from _lessons(pictures[scales], mattes[scales], truths[index], random)
        if network is not None:
            mattes[index] = correct(pictures[scales], mattes[scales], network)


def _lessons(
    pictures: Sequence[Image.Image], mattes: Sequence[Image.Image], truth: Image.Image, random: Random
) -> Iterator[Lesson]:
    """A random part of one level's unsure pixels."""
    found = list(doubts(pictures, mattes))
    share = PIXELS_PER_LEVEL / max(1, sum(len(places.rows) for _, places in found))
    known, right = (np.pad(np.asarray(each), ((0, 1), (0, 1)), mode="edge") for each in (mattes[-1], truth))
    for levels, places in found:
        chosen = random.random(len(places.rows)) < share
        if chosen.any():
            some = type(places)(*(each[chosen] for each in places))
            rows, columns = four(some)
            exact = (right[rows, columns] / 255).astype(np.float16)
            yield Lesson(describe(levels, some).astype(np.float16), known[rows, columns], exact)


def joined(lessons: Sequence[Lesson]) -> Lesson:
    return Lesson(
        np.concatenate([lesson.features for lesson in lessons]),
        np.concatenate([lesson.before for lesson in lessons]),
        np.concatenate([lesson.truth for lesson in lessons]),
    )


def new_layers() -> nn.Sequential:
    """Starts without any opinion: what the last layer says is 0."""
    sizes = (FEATURES, *HIDDEN, 4)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers[:-1])


def fit(layers: nn.Sequential, lesson: Lesson, steps: int, random: Random) -> None:
    """Adam with a cosine schedule, on cross-entropy plus absolute error."""
    optimizer = torch.optim.AdamW(layers.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=LEARNING_RATE / 100)
    losses: list[float] = []
    for _ in range(steps):
        chosen = random.integers(0, len(lesson.features), BATCH)
        loss = _loss(layers, *(torch.from_numpy(each[chosen]).float() for each in vars(lesson).values()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    say(f"  loss {np.mean(losses[: steps // 10]):.4f} -> {np.mean(losses[-steps // 10 :]):.4f}")


def _loss(layers: nn.Sequential, features: torch.Tensor, before: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    likely = (before / 255).clamp(float(LEAST), float(MOST))
    trust = (features[:, [RANGE_COLUMN]] / float(FULL_RANGE)).clamp(0, 1)
    logits = torch.logit(likely) + float(LOGITS) * trust * layers(features)
    errors = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    errors = errors + (torch.sigmoid(logits) - truth).abs()
    was_right = (likely > 0.5) == (truth > 0.5)
    return (errors * torch.where(was_right, WEIGHT_WHERE_RIGHT, 1.0)).mean()


def as_network(layers: nn.Sequential) -> RefinementNetwork:
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    weights = [np.ascontiguousarray(layer.weight.detach().numpy().T) for layer in linear]
    return RefinementNetwork(weights, [layer.bias.detach().numpy().copy() for layer in linear])


def write(network: RefinementNetwork, path: Path) -> None:
    tensors = {f"{number}.weight": weight for number, weight in enumerate(network.weights)}
    tensors |= {f"{number}.bias": bias for number, bias in enumerate(network.biases)}
    save_file(tensors, path)


def train(photos: Photos, chosen: argparse.Namespace) -> None:
    torch.manual_seed(chosen.seed)
    random = np.random.default_rng(chosen.seed)
    layers, lessons = new_layers(), []
    network: RefinementNetwork | None = None
    parts = 8
    with ProcessPoolExecutor(chosen.processes) as processes:
        for number in range(chosen.rounds):
            seeds = range(parts * number, parts * (number + 1))
            count = chosen.examples // parts
            found = processes.map(collect, [photos] * parts, [network] * parts, seeds, [count] * parts)
            lessons = [*lessons[-1:], joined(list(found))]
            say(f"round {number + 1}: {len(lessons[-1].features)} pixels of {count * parts} examples")
            last = number == chosen.rounds - 1
            fit(layers, joined(lessons), chosen.steps * (4 if last else 1), random)
            network = as_network(layers)
            write(network, chosen.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, metavar="PHOTOS")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", default="u2net", help="whose answers are refined")
    parser.add_argument("--answers", type=Path, default=Path(".cache/answers"), help="folder where these are kept")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--examples", type=int, default=480, help="of each round")
    parser.add_argument("--steps", type=int, default=1500, help="of each round; the last has four times as many")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    photos = Photos(find_pairs(chosen.photos, limit=None), chosen.answers)
    ask_model(photos.pairs, photos.answers, chosen.model)
    train(photos, chosen)


if __name__ == "__main__":
    main()
