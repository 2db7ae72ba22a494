"""Works a set off, a few pictures at a time: asks each model, scores its answers, and keeps what is worth a look."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from service.cli.evaluation.asking import Asked, engine_of
from service.cli.evaluation.gallery import Gallery, Shown, differences, painted, tile
from service.cli.evaluation.measures import Scored, size_of
from service.cli.evaluation.pairs import Pair, fitted, read_ids
from service.cli.evaluation.results import Evaluation
from service.cli.taking_turns import work_through
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.models.labels import LabelMap
from service.settings import read_settings

if TYPE_CHECKING:
    from service.workers.plan import SegmenterFamilies

Ranks = Sequence[Callable[[Sequence[float]], float]]
"""Of each gallery, what a picture's place in it is, from the models' IoU: the lowest are shown."""

RANKS_OF_ONE: Ranks = (min,)
RANKS_OF_TWO: Ranks = (min, lambda ious: ious[0] - ious[1], lambda ious: ious[1] - ious[0])


@dataclass(frozen=True)
class Looked:
    """What came of one picture."""

    pair: Pair
    ids: LabelMap
    answers: Sequence[bytes]
    scores: Sequence[Scored]


def run(
    evaluation: Evaluation, pairs: Sequence[Pair], resize_masks: bool, families: "SegmenterFamilies | None" = None
) -> None:
    """Raises ConfigurationError for a picture or a mask that cannot be used: a set is measured whole, or not at all."""
    asyncio.run(Work(evaluation, resize_masks, families).all_of(pairs))


@dataclass(frozen=True)
class Work:
    """One run over a set."""

    evaluation: Evaluation
    resize_masks: bool
    families: "SegmenterFamilies | None" = None

    async def all_of(self, pairs: Sequence[Pair]) -> None:
        names = [model.name for model in self.evaluation.models]
        async with engine_of(names, len(pairs), self.families) as asked:
            await work_through(pairs, asked.places, "pictures", lambda pair: self._on(pair, asked))

    async def _on(self, pair: Pair, asked: Asked) -> None:
        measure = self.evaluation.measure
        photo = await asyncio.to_thread(pair.read_picture)
        answers = []
        for model in self.evaluation.models:
            try:
                answer = await asked.answer(measure.operation, measure.given, model.name, photo)
            except Failure as failure:
                raise ConfigurationError(f"{pair.picture}: {failure.detail}") from failure
            model.label = answer.model
            model.infer_ms.append(answer.elapsed_ms.get("infer", 0.0))
            answers.append(answer.body)
        looked = await asyncio.to_thread(self._score, pair, answers)
        for model, score in zip(self.evaluation.models, looked.scores, strict=True):
            model.scores[pair.name] = score
        await self._show(looked, photo)

    def _score(self, pair: Pair, answers: Sequence[bytes]) -> Looked:
        measure = self.evaluation.measure
        ids = fitted(read_ids(pair.mask), size_of(answers[0]), pair, self.resize_masks)
        try:
            return Looked(pair, ids, answers, [measure.score(answer, ids) for answer in answers])
        except ConfigurationError as error:
            raise ConfigurationError(f"{pair.mask}: {error}") from error

    async def _show(self, looked: Looked, photo: bytes) -> None:
        ious = [score.iou for score in looked.scores]
        ranks = RANKS_OF_ONE if len(ious) == 1 else RANKS_OF_TWO
        wanting = [
            (gallery, rank)
            for gallery, rank in zip(self.evaluation.galleries, (rank(ious) for rank in ranks), strict=True)
            if gallery.wants(rank)
        ]
        if wanting:
            shown = await asyncio.to_thread(self._drawn, looked, photo)
            for gallery, rank in wanting:
                gallery.add(rank, shown)

    def _drawn(self, looked: Looked, photo: bytes) -> Shown:
        from service.pixels.decode import decode

        rgb = decode(photo, read_settings().max_pixels).on_white()
        tiles: dict[str, Any] = {"picture": tile(rgb)}
        for model, answer in zip(self.evaluation.models, looked.answers, strict=True):
            found, drawn, counted = self.evaluation.measure.masks(answer, looked.ids)
            tiles.setdefault("mask", tile(painted(np.where(counted, drawn, np.uint8(0)))))
            tiles[model.name] = tile(painted(found))
            tiles[f"{model.name}, what differs"] = tile(differences(rgb, found, drawn, counted))
        scores = zip(self.evaluation.models, looked.scores, strict=True)
        caption = ", ".join(f"{model.name} IoU {score.iou:.3f}" for model, score in scores)
        return Shown(looked.pair.name, caption, tiles)


def galleries_for(names: Sequence[str], count: int) -> list[Gallery]:
    """In the order of the ranks."""
    if len(names) == 1:
        return [Gallery("Worst", count)]
    first, second = names
    ahead = (f"{second} is ahead of {first}", f"{first} is ahead of {second}")
    return [Gallery("Worst of either", count), *(Gallery(title, count, below=0) for title in ahead)]
