"""Trains the network in `service/pixels/refinement`: what it is to say of a pixel is learned from pictures with masks.

Half of the examples are photos with the real answer of a model, reduced to a random size; the others are shapes painted
here, of one photo's texture over another's, with an answer that is wrong in the way of networks. Each round collects
examples with the network so far, level by level as the service does, and then fits it to the last two rounds'.

  python scripts/train_refinement.py PHOTOS --out service/pixels/refinement/weights.safetensors

PHOTOS has images/ and masks/ with the same names; a mask is 0 where there is no subject. Needs the `dev` extra.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.quality.labelled import find_pairs
from benchmarks.quality.network import Network
from scripts.refinement_examples import Example, Photos, Random, example
from service.cli.console import say
from service.cli.evaluation.pairs import Pair
from service.models.labels import Box, Size
from service.pixels.refinement.cascade import coarsest_mattes, correct, double, doubts, four, halvings, level_count
from service.pixels.refinement.network import LEAST, LOGITS, MOST, RefinementNetwork
from service.pixels.refinement.surroundings import FEATURES, SCALES, describe

HIDDEN = (96, 48)
PIXELS_PER_LEVEL = 700
"""Kept of each level of an example, so that a picture with a long outline does not outweigh the others."""

WEIGHT_WHERE_RIGHT = 1.6
"""Spoiling what was right weighs more than leaving a fault: "never worse" is worth more than "often better"."""

BATCH = 4096
LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class Lesson:
    """Unsure pixels: what is known of them, what the answer for their four parts is, and what it should be."""

    features: NDArray[np.float16]
    trust: NDArray[np.float16]
    before: NDArray[np.uint8]
    truth: NDArray[np.float16]


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


def collect(photos: Photos, network: RefinementNetwork | None, seed: int, count: int) -> Lesson:
    """What there is to learn from `count` examples, for the network as it is."""
    random = np.random.default_rng(seed)
    lessons: list[Lesson] = []
    with threadpool_limits(1):
        for _ in range(count):
            lessons += walk(example(photos, random), network, random)
    return joined(lessons)


def walk(shown: Example, network: RefinementNetwork | None, random: Random) -> Iterator[Lesson]:
    """Down the cascade, level by level; without a network nothing is corrected on the way."""
    height, width = shown.answer.shape
    size = Size(*shown.picture.size)
    count = level_count(Size(width, height), size) + SCALES - 1
    pictures = halvings(shown.picture, count)
    truths = halvings(Image.fromarray(np.rint(shown.truth * 255).astype(np.uint8)), count)
    mattes = coarsest_mattes(shown.answer, Box(0, 0, width, height), pictures[:SCALES], size)
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
    found = [each for band in doubts(pictures, mattes) for each in band]
    share = PIXELS_PER_LEVEL / max(1, sum(len(places.rows) for _, places in found))
    known, right = (np.pad(np.asarray(each), ((0, 1), (0, 1)), mode="edge") for each in (mattes[-1], truth))
    for levels, places in found:
        chosen = random.random(len(places.rows)) < share
        if chosen.any():
            some = type(places)(*(each[chosen] for each in places))
            rows, columns = four(some)
            exact = (right[rows, columns] / 255).astype(np.float16)
            features, trust = (each.astype(np.float16) for each in describe(levels, some))
            yield Lesson(features, trust, known[rows, columns], exact)


def joined(lessons: Sequence[Lesson]) -> Lesson:
    return Lesson(
        np.concatenate([lesson.features for lesson in lessons]),
        np.concatenate([lesson.trust for lesson in lessons]),
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


def _loss(
    layers: nn.Sequential, features: torch.Tensor, trust: torch.Tensor, before: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    answer = before / 255
    likely = answer.clamp(float(LEAST), float(MOST))
    corrected = torch.sigmoid(torch.logit(likely) + float(LOGITS) * layers(features))
    given = answer + trust * (corrected - answer)
    errors = nn.functional.binary_cross_entropy(given.clamp(1e-4, 1 - 1e-4), truth, reduction="none")
    errors = errors + (given - truth).abs()
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
