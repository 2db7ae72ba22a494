"""ModelStore: finds cards, pulls and verifies weights. What it hands out has the pinned sha256, or it raises.

What only a pull needs, an HTTP client and readers of published files, is the extra `pull`, and imported by a pull: the
service and every worker import this file when they start, and the container image serves without it.
"""

import contextlib
import hashlib
import importlib.util
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service.configuration_errors import BadCard, BadWeights, MissingExtra, MissingWeights, PullFailed, UnknownCard
from service.models.store.card import NAME_PATTERN, DownloadSpec, ModelCard, read_card
from service.models.store.checkpoint import Checkpoint
from service.models.store.int8_ranges import FILE as INT8_RANGES_FILE
from service.models.store.int8_ranges import Int8Ranges, read_ranges
from service.models.store.staging import locked, staging

if TYPE_CHECKING:
    from service.models.store.sources import Progress

DEFAULT_MODELS = ("u2net", "selfie")
"""What `models pull` must bring, and what is served when nothing is configured."""

OPTIONAL_MODELS = ("u2netp", "deeplab-voc")
"""Pulled where their address can be reached, and served where they were pulled."""

GOLDEN_FILE = "golden.png"

Admission = Callable[[Checkpoint], None]
"""Raises ConfigurationError for a model that is not to come into the store."""


def _anybody(_: Checkpoint) -> None:
    """Whoever has the pinned checksum."""


PULL_PACKAGES = ("httpx2", "onnx", "pip", "tflite")
"""What the extra `pull` installs, by the names that are imported."""


class ModelStore:
    """A folder with one folder per model: `card.toml`, and `model.safetensors` once it was pulled."""

    def __init__(self, folder: Path, mirror: str | None = None) -> None:
        self._folder = folder
        self._mirror = mirror

    def names(self) -> list[str]:
        """Every model that has a card, in alphabetical order."""
        return sorted(path.parent.name for path in self._folder.glob("*/card.toml"))

    def card(self, name: str) -> ModelCard:
        """Raises UnknownCard, or BadCard where the file is wrong."""
        if name not in self.names():
            known = ", ".join(self.names()) or "no model at all"
            raise UnknownCard(f"no model is called {name!r}; {self._folder} has {known}")
        return read_card(self._folder / name / "card.toml")

    def weights(self, card: ModelCard) -> Path:
        """Where the converted weights are, or will be."""
        return self._folder / card.name / card.weights_file

    def is_pulled(self, card: ModelCard) -> bool:
        return self.weights(card).is_file()

    def choose(self, configured: Sequence[str] | None) -> list[ModelCard]:
        """The cards to serve, the default model first; see `Settings.models`."""
        if configured is not None:
            return [self.card(name) for name in dict.fromkeys(configured)]
        optional = [name for name in OPTIONAL_MODELS if name in self.names() and self.is_pulled(self.card(name))]
        return [self.card(name) for name in (*DEFAULT_MODELS, *optional)]

    def verify(self, card: ModelCard) -> Path:
        """The path of weights that have the pinned sha256. Raises MissingWeights or BadWeights with the mend."""
        path = self.weights(card)
        if not path.is_file():
            raise MissingWeights(
                f"model {card.name!r} is not in {self._folder}: run `silhouette models pull {card.name}`"
            )
        if sha256_of(path) != card.converted.sha256:
            raise BadWeights(f"{path} is not the pinned file: run `silhouette models pull {card.name}`")
        return path

    def checkpoint(self, card: ModelCard) -> Checkpoint:
        """All that a worker loads. Raises what `verify` and `int8_ranges` raise."""
        return Checkpoint(card, self.verify(card), self.int8_ranges(card))

    def int8_ranges(self, card: ModelCard) -> Int8Ranges | None:
        """None where there are none. Raises BadCard where they belong to other weights than the card's."""
        ranges = read_ranges(self.int8_ranges_file(card))
        if ranges is not None and ranges.weights_sha256 != card.converted.sha256:
            raise BadCard(
                f"{self.int8_ranges_file(card)} is of other weights: run `silhouette models quantize {card.name}`"
            )
        return ranges

    def golden_file(self, card: ModelCard) -> Path:
        """Its golden answer, where it has one; see `models/golden.py`."""
        return self._folder / card.name / GOLDEN_FILE

    def int8_ranges_file(self, card: ModelCard) -> Path:
        return self._folder / card.name / INT8_RANGES_FILE

    def has(self, card: ModelCard) -> bool:
        """True where the pinned weights are there."""
        try:
            self.verify(card)
        except (MissingWeights, BadWeights):
            return False
        return True

    def pull(self, card: ModelCard, progress: "Progress", admit: Admission = _anybody) -> None:
        """Bring the weights from the first source that has them; nothing is done where they are there.

        The converted file appears under its name only when it is whole, verified and admitted, whoever is killed
        meanwhile. Raises MissingExtra, PullFailed with the reason of every source, BadWeights where the conversion is
        not the pinned one, and what `admit` raises, which leaves nothing of the pull behind.
        """
        if self.has(card):
            return
        need_pull_packages()
        with self._pulling(card) as half_done:
            if self.has(card):  # another pull brought them while this one waited
                shutil.rmtree(half_done)
                return
            original = self._fetch(card, half_done, progress)
            converted = _converted(original, card, half_done)
            try:
                admit(Checkpoint(card, converted))
                converted.replace(self.weights(card))
            finally:
                shutil.rmtree(half_done)

    @contextlib.contextmanager
    def adding(self, name: str, replacing: bool = False) -> Iterator[Path]:
        """A folder for the card and the weights of a new model, which is in the store once all has gone well.

        Raises BadCard where the name is taken, unless it is to be replaced, or cannot be one.
        """
        if not re.fullmatch(NAME_PATTERN, name):
            raise BadCard(f"{name!r} is no name of a model: small letters, digits and - after the first")
        target = self._folder / name
        if target.exists() and not replacing:
            raise BadCard(f"{target} is there already: choose another name, or say --replace")
        with staging(self._folder, name) as folder:
            yield folder

    def fetch_original(self, card: ModelCard, folder: Path, progress: "Progress") -> Path:
        """The published file itself, verified, in `folder`: to compare a conversion with its origin."""
        folder.mkdir(parents=True, exist_ok=True)
        return self._fetch(card, folder, progress)

    @contextlib.contextmanager
    def _pulling(self, card: ModelCard) -> Iterator[Path]:
        """A folder for half-done work, which the next try finds; locked against a second pull of the same model."""
        half_done = self._folder / card.name / ".pull"
        with locked(self._folder / card.name):
            half_done.mkdir(exist_ok=True)
            yield half_done

    def _fetch(self, card: ModelCard, folder: Path, progress: "Progress") -> Path:
        """The published file, with the pinned sha256, from the mirror or else the first source that has it."""
        from service.models.store.sources import Mirror, fetch

        mirror = [Mirror(self._mirror)] if self._mirror else []
        failures = []
        for source in [*mirror, *card.download.sources]:
            try:
                return _checked(fetch(source, card.download, folder, progress), card.download)
            except PullFailed as failure:
                failures.append(str(failure))
        raise PullFailed(f"{card.name}: " + "; ".join(failures))


def need_pull_packages() -> None:
    """Raises MissingExtra where the extra `pull` is not installed."""
    missing = [name for name in PULL_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra.of("pull", "pulling models", *missing)


def _checked(path: Path, download: DownloadSpec) -> Path:
    if (found := sha256_of(path)) != download.sha256:
        path.unlink()
        raise PullFailed(f"{download.file} has sha256 {found}, the card says {download.sha256}")
    return path


def _converted(original: Path, card: ModelCard, folder: Path) -> Path:
    from service.models.store.convert import convert

    path = folder / card.weights_file
    convert(card.family, original, path)
    if (found := sha256_of(path)) != card.converted.sha256:
        raise BadWeights(f"{card.name}: the conversion has sha256 {found}, the card says {card.converted.sha256}")
    return path


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
