"""Image bytes in, answer bytes out: decode, predict, decide, compose, encode. Knows no HTTP.

Everything that touches full-size pixels runs on the pixel threads, never on the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from PIL import Image

from service.engine.cache import AnswerCache, fingerprint
from service.errors import NoForeground
from service.models.catalogue import Catalogue, Model
from service.models.ensemble import Ensemble, Subject, closest, fuse
from service.models.inputs import fit
from service.models.labels import Prediction, Size
from service.models.second_look import averaged, closer, mirror, subject_crop
from service.models.store import ModelCard
from service.operations.effects import EFFECTS, Scene
from service.operations.options import TRANSPARENT_PICTURE, EffectOptions, Format, Options, SegmentOptions
from service.operations.outputs import OUTPUTS, Segmentation, has_any, void_where_transparent
from service.pixels.decode import Photo, decode
from service.pixels.encoders import PICTURE_ENCODERS
from service.pixels.matting import Matte, has_subject, label_map, matte, subject_box
from service.queue.batcher import Batcher, Outcome
from service.queue.schedule import Lane
from service.telemetry.log import Stopwatch

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """The result of one request, and how it came about."""

    body: bytes
    format: Format
    model: str
    """name@version; of both, separated by a comma, where two models answered."""
    device: str
    worker: int
    batch_size: int
    elapsed_ms: dict[str, float]
    box: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the subject in the input, in pixels."""
    fingerprint: str = ""
    """Of all that it was made of; see `service/engine/cache.py`."""


class Unchanged(Exception):
    """The caller has the answer already."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint


@dataclass(frozen=True)
class Seen:
    """A photo and what a model says of it."""

    photo: Photo
    prediction: Prediction
    model: Model
    outcome: Outcome
    kept: tuple[int, ...] = ()
    """The ids in the prediction that are the subject, where one was asked for."""


@dataclass
class Call:
    """One request on its way through the pipeline."""

    deadline: float
    """On the event loop's clock, in seconds; a prediction that comes later is not waited for."""
    lane: Lane = Lane.INTERACTIVE
    accepted: Sequence[Format] = ()
    """What the result may come in, best liked first. Empty: what the options say."""
    reserve_pixels: Callable[[int], None] = lambda pixel_count: None
    """Hears of each picture before it is decoded; raises QueueFull where it does not fit into memory now."""
    known: Container[str] = ()
    """Fingerprints of the answers that the caller has."""
    watch: Stopwatch = field(default_factory=Stopwatch)
    model: str | None = None
    """name@version, as soon as it is known."""
    cached: bool | None = None
    """Whether the answer was in the cache; None where there is no cache."""


class Pipeline:
    """What the service can do with an image. One for the whole process."""

    def __init__(
        self,
        cards: Sequence[ModelCard],
        batcher: Batcher,
        threads: int,
        max_pixels: int,
        cache: AnswerCache[Answer],
    ) -> None:
        self._cache = cache
        self.catalogue = Catalogue(cards)
        self._batcher = batcher
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixels")
        self._max_pixels = max_pixels

    async def segment(self, image: bytes, options: SegmentOptions, call: Call) -> Answer:
        """What every pixel shows. Raises NoForeground where it is nothing that was asked for."""
        options.chosen_format()
        card = self.catalogue.card_for_segment(options.model)
        call.model = card.label
        card.class_table.find(options.classes)
        return await self._cached([image], options, call, lambda: self._segment(image, card, options, call))

    async def _segment(self, image: bytes, card: ModelCard, options: SegmentOptions, call: Call) -> Answer:
        seen = await self._see(image, card, call)
        segmentation = await self._on_thread(call, "matte", lambda: _decide(seen, options))
        body = await self._on_thread(call, "encode", lambda: OUTPUTS[options.output](segmentation))
        return self._answer(seen, body, options.chosen_format(), call)

    async def apply(self, image: bytes, options: EffectOptions, call: Call, background: bytes | None = None) -> Answer:
        """The photo with the effect that goes with the type of `options`. Raises NoForeground without a subject."""
        options.chosen_format()
        model = self.catalogue.model(options.model)
        call.model = model.label
        model.class_table.find(options.keep)
        pictures = [image] if background is None else [image, background]
        return await self._cached(pictures, options, call, lambda: self._apply(image, background, model, options, call))

    async def _apply(
        self, image: bytes, background: bytes | None, model: Model, options: EffectOptions, call: Call
    ) -> Answer:
        backdrop = await self._decode(background, call) if background is not None else None
        seen = await self._see_subject(image, model, options, call)
        soft = await self._on_thread(call, "matte", lambda: _matte(seen, options))
        if not options.allow_empty and not has_subject(soft):
            wanted = _names(model, model.class_table.find(options.keep))
            raise NoForeground(f"{model.name} sees no {wanted}; allow_empty=true returns the empty result")
        scene = await self._on_thread(call, "matte", lambda: Scene.of(seen.photo, soft, backdrop, options))
        picture = await self._on_thread(call, "compose", lambda: EFFECTS[type(options)](scene, options))
        format_ = _format_for(picture, call.accepted or [options.chosen_format()])
        body = await self._on_thread(call, "encode", lambda: _encode(picture, format_, options))
        return self._answer(seen, body, format_, call, subject_box(scene.matte))

    async def _cached(
        self, pictures: Sequence[bytes], options: Options, call: Call, work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer that was given before, or else that of `work`. Raises Unchanged where the caller has it."""
        model = call.model or ""
        key = await self._on_thread(call, "decode", lambda: fingerprint(pictures, options, call.accepted, model))
        if key in call.known:
            raise Unchanged(key)
        found = self._cache.get(key)
        call.cached = found is not None if self._cache.is_on else None
        if found is not None:
            return replace(found, elapsed_ms=call.watch.elapsed_ms)
        answer = replace(await work(), fingerprint=key)
        self._cache.put(key, answer, len(answer.body))
        return answer

    def close(self) -> None:
        self._threads.shutdown()

    async def _see(self, image: bytes, card: ModelCard, call: Call) -> Seen:
        photo = await self._decode(image, call)
        prediction, outcome = await self._look(photo.on_white(), card, call)
        return Seen(photo, prediction, card, outcome)

    async def _see_subject(self, image: bytes, model: Model, options: EffectOptions, call: Call) -> Seen:
        """With as many looks as the options' effort is worth, see `Effort`; of two models, that which draws looks."""
        photo = await self._decode(image, call)
        picture, twice, kept = photo.on_white(), options.effort == "best", model.class_table.find(options.keep)
        judge: Callable[[Prediction], Subject] = partial(Subject, class_ids=kept)
        if isinstance(model, Ensemble):
            card = model.outline
            looks = self._look(picture, card, call, twice=twice), self._look(picture, model.classes, call)
            (drawn, outcome), (named, _) = await asyncio.gather(*looks)
            judge = partial(fuse, classes=named, class_ids=kept)
        else:
            card = model
            drawn, outcome = await self._look(picture, card, call, twice=twice)
        subject = await self._on_thread(call, "matte", lambda: judge(drawn))
        crop = None
        if options.effort != "fast":
            crop = await self._on_thread(call, "resize", lambda: subject_crop(subject.prediction, subject.class_ids))
        if crop is not None:
            part = await self._on_thread(call, "resize", lambda: picture.crop(crop))
            look, _ = await self._look(part, card, call, twice=twice)
            second = await self._on_thread(call, "matte", lambda: judge(closer(drawn, look, crop)))
            subject = closest(second, subject)
        return Seen(photo, subject.prediction, model, outcome, subject.class_ids)

    async def _look(
        self, picture: Image.Image, card: ModelCard, call: Call, *, twice: bool = False
    ) -> tuple[Prediction, Outcome]:
        """What the model says of an RGB picture; `twice`: and of its mirror image, at the same time."""
        if twice:
            image = await self._on_thread(call, "resize", lambda: mirror(picture))
            looks = self._look(picture, card, call), self._look(image, card, call)
            (there, outcome), (back, _) = await asyncio.gather(*looks)
            return averaged(there, back), outcome
        pixels, box = await self._on_thread(call, "resize", lambda: fit(picture, card))
        outcome = await self._batcher.predict(card.name, pixels, call.deadline, call.lane)
        call.watch.add("queue", outcome.queue_ms)
        call.watch.add("infer", outcome.infer_ms)
        size = Size(*picture.size)
        return Prediction(card.output.head, outcome.scores, box, size, card.class_table), outcome

    async def _decode(self, image: bytes, call: Call) -> Photo:
        return await self._on_thread(call, "decode", lambda: decode(image, self._max_pixels, call.reserve_pixels))

    async def _on_thread(self, call: Call, stage: str, work: Callable[[], Result]) -> Result:
        def measured() -> Result:
            with call.watch.measure(stage):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, measured)

    @staticmethod
    def _answer(
        seen: Seen, body: bytes, format_: Format, call: Call, box: tuple[int, int, int, int] | None = None
    ) -> Answer:
        return Answer(
            body,
            format_,
            seen.model.label,
            seen.outcome.device,
            seen.outcome.worker,
            seen.outcome.batch_size,
            call.watch.elapsed_ms,
            box,
        )


def _decide(seen: Seen, options: SegmentOptions) -> Segmentation:
    labels = label_map(seen.prediction, options.threshold, seen.photo, options.refine)
    segmentation = Segmentation(seen.photo, seen.prediction, void_where_transparent(labels, seen.photo), options)
    if not options.allow_empty and not has_any(segmentation):
        wanted = _names(seen.model, segmentation.wanted)
        raise NoForeground(f"{seen.model.name} sees no {wanted}; allow_empty=true returns the empty result")
    return segmentation


def _matte(seen: Seen, options: EffectOptions) -> Matte:
    return matte(seen.prediction, seen.kept, seen.photo, options.refine)


def _format_for(picture: Image.Image, accepted: Sequence[Format]) -> Format:
    """The best liked format that can hold the picture: a transparent background is known only once it is decoded."""
    has_alpha = "A" in picture.getbands()
    return next((each for each in accepted if not has_alpha or each in TRANSPARENT_PICTURE), accepted[0])


def _encode(picture: Image.Image, format_: Format, options: Options) -> bytes:
    return PICTURE_ENCODERS[format_](picture, options.quality, options.compression)


def _names(model: Model, class_ids: Sequence[int]) -> str:
    """`person or cat`; a model's whole foreground is called its subject."""
    if tuple(class_ids) == model.class_table.foreground and len(class_ids) > 1:
        return "subject"
    return " or ".join(model.class_table[class_id].name for class_id in class_ids)
