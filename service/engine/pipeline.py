"""One request from image bytes to answer bytes: read, look, look closer, finish. Knows no HTTP.

Everything that touches full-size pixels runs on the pixel threads, never on the event loop: `queue/pixel_scheduler.py`
says whose turn it is.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from service.engine.cache import AnswerCache, fingerprint
from service.engine.canaries import Canaries
from service.engine.further import decoded, page_pixels_of, pixels_of
from service.engine.looking import Crop, Look, View, Views, drawing_card, views_of
from service.engine.request import Answer, Call, ImageRequest, Unchanged
from service.engine.served import ServedModels
from service.engine.shared_answers import SharedAnswers
from service.engine.together import together
from service.models.catalogue import Catalogue, Model
from service.models.ensemble import Subject
from service.models.labels import NO_SCORES, Prediction, Size
from service.operations.correction import MATTE, correction_of, effort_for
from service.operations.operation import Product, Seen
from service.operations.options import Effort
from service.pixels.correction import Correction
from service.pixels.decode import Photo, decode
from service.queue.asking import TicketQueue
from service.queue.claim import Claim
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.ticket import Outcome
from service.settings import MEGAPIXEL
from service.telemetry.stopwatch import MS_PER_S, Facts

PIXEL_STAGES = ("identify", "read", "aim", "combine", "finish")
"""What happens on pixel threads, in one go each; in between, the networks look."""

STAGES_OF_ONE_LOOK = ("identify", "read", "finish")


class Plan(NamedTuple):
    """What is asked for, and what follows from it before any pixel is read."""

    wanted: ImageRequest
    call: Call
    model: Model
    class_ids: tuple[int, ...]
    """What is looked for."""
    effort: Effort
    claim: Claim


class Identity(NamedTuple):
    """What is known of a request from the headers of its pictures."""

    key: str
    """The fingerprint of the answer."""
    sent_pixels: int
    """Of all its pictures together."""
    page_pixels: int
    """Of a result that is on a page of its own; 0 where it is as large as the photo."""


class Read(NamedTuple):
    """What is in the uploaded files, and what the networks are to see of it."""

    photo: Photo
    """As the operation frames it."""
    sent: Size
    """Of the photo before that."""
    pictures: Mapping[str, Photo]
    views: Views
    """No one where an earlier matte stands for what they would show."""
    correction: Correction


Outcomes = Mapping[str, Outcome]
"""What the networks said, by the names of the views."""

NO_MODEL = "none"

NOBODY_LOOKED = Outcome(NO_SCORES, device="none", worker=-1, batch_size=0, queue_ms=0.0, infer_ms=0.0)
"""Of an answer that was made of an earlier matte."""


class Pipeline:
    """What the service can do with an image. One for the whole process."""

    def __init__(
        self,
        served: ServedModels,
        batcher: TicketQueue,
        pixels: PixelScheduler,
        max_pixels: int,
        cache: AnswerCache[Answer],
        canaries: Canaries,
        shared: SharedAnswers,
    ) -> None:
        self._cache = cache
        self._shared = shared
        self._served = served
        self._canaries = canaries
        self._batcher = batcher
        self._pixels = pixels
        self._max_pixels = max_pixels

    @property
    def catalogue(self) -> Catalogue:
        """What is served at this moment."""
        return self._served.catalogue

    def check(self, wanted: ImageRequest) -> None:
        """Finds what is wrong with the options, for whoever does not run it now.

        Raises NotAcceptable, BadOption or UnknownModel.
        """
        operation, options = wanted.operation, wanted.options
        options.chosen_format()
        operation.check(options, wanted.pictures)
        operation.class_ids(operation.choose_model(self.catalogue, options).class_table, options)

    async def run(self, wanted: ImageRequest, call: Call) -> Answer:
        """The answer, from the cache where it was given before.

        Raises Unchanged where the caller has it already; else what `decode`, `PixelScheduler.run`, `Batcher.predict`
        and the operation raise.
        """
        plan = self._plan(wanted, call)
        with self._served.in_use(plan.model), self._pixels.claiming(plan.claim):
            identity = await self._pixels.run(plan.claim, "identify", lambda: self._identify(plan))
            key = identity.key
            if key in call.known:
                raise Unchanged(key)
            found = self._cache.get(key) or await self._shared.get(key)
            call.cached = found is not None if self._cache.is_on else None
            if found is not None:
                return replace(found, elapsed_ms=call.watch.elapsed_ms)
            if MATTE not in wanted.pictures:
                await self._served.be_awake(plan.model, call.deadline)
            answer = replace(await self._make(plan, identity), fingerprint=key)
        self._cache.put(key, answer, len(answer.body))
        self._shared.put(key, answer)
        return answer

    def _plan(self, wanted: ImageRequest, call: Call) -> Plan:
        """Finds what is wrong with the options before any work is done for them."""
        operation, options = wanted.operation, wanted.options
        options.chosen_format()
        operation.check(options, wanted.pictures)
        model, class_ids = self._canaries.choose(operation, options, self.catalogue)
        call.model = model.label
        effort = effort_for(options, wanted.pictures, operation.effort(options))
        stages = STAGES_OF_ONE_LOOK if effort == "fast" else PIXEL_STAGES
        claim = Claim(operation.name, stages, call.deadline, call.lane, call.watch, call.booking)
        call.watch.before_part = claim.check_wanted
        return Plan(wanted, call, model, class_ids, effort, claim)

    def _identify(self, plan: Plan) -> Identity:
        wanted, call = plan.wanted, plan.call
        with call.watch.measure("decode"):
            sent_pixels = pixels_of(wanted.image, wanted.pictures, self._max_pixels)
            page_pixels = page_pixels_of(wanted.image, wanted.operation, wanted.options, self._max_pixels)
            model = f"{plan.model.label} {plan.model.key}"
            key = fingerprint(wanted.image, wanted.pictures, wanted.options, call.accepted, model)
        return Identity(key, sent_pixels, page_pixels)

    async def _make(self, plan: Plan, identity: Identity) -> Answer:
        """Read, look, look closer where that is wanted, finish."""
        plan.call.on_pixels(identity.sent_pixels)
        pixels_to_book = identity.sent_pixels + identity.page_pixels
        plan.claim.megapixels = pixels_to_book / MEGAPIXEL
        plan.call.on_stage("read")
        read = await self._pixels.run(plan.claim, "read", lambda: self._read(plan), pixels_to_book)
        outcomes: Outcomes = {}
        if read.views:
            plan.call.on_stage("look")
            outcomes = await self._look(read.views, plan.call)
        subject = None if plan.effort == "fast" else await self._look_closer(plan, read, outcomes)
        plan.call.on_stage("finish")
        product = await self._pixels.run(plan.claim, "finish", lambda: _finish(plan, read, outcomes, subject))
        return _answer(product, plan, outcomes.get("drawn", NOBODY_LOOKED), read.photo.frames)

    def _read(self, plan: Plan) -> Read:
        with plan.call.watch.measure("decode"):
            pictures, greys = decoded(plan.wanted.operation, plan.wanted.pictures, self._max_pixels)
            sent = decode(plan.wanted.image, self._max_pixels)
            correction = correction_of(greys, plan.wanted.options.hints, sent.size)
        with plan.call.watch.measure("resize"):
            photo = plan.wanted.operation.framed(sent, plan.wanted.options)
            looks = correction.earlier is None
            views = views_of(photo.on_white(), plan.model, twice=plan.effort == "best") if looks else {}
            return Read(photo, sent.size, pictures, views, correction)

    async def _look(self, views: Views, call: Call) -> Outcomes:
        """Asks all networks at the same time; where one fails, the others' tickets are dropped."""
        async with together() as group:
            asked = {name: group.create_task(self._ask(view, call)) for name, view in views.items()}
        return {name: task.result() for name, task in asked.items()}

    async def _ask(self, view: View, call: Call) -> Outcome:
        asked_s = time.monotonic()
        asked = view.card.key, view.pixels, call.deadline, call.lane, call.watch.traceparent
        outcome = await self._batcher.predict(*asked)
        call.watch.add("queue", outcome.queue_ms, asked_s + outcome.queue_ms / MS_PER_S)
        # The worker may be on another machine, with another clock: it says how long it took, and just now it was over.
        call.watch.add("infer", outcome.infer_ms, facts=_facts(view, outcome), is_told=outcome.is_traced)
        return outcome

    async def _look_closer(self, plan: Plan, read: Read, outcomes: Outcomes) -> Subject | None:
        """The subject after a second look at it; None where the first one showed all that there is to see."""
        closer = await self._pixels.run(plan.claim, "aim", lambda: _aim(plan, read, outcomes))
        if closer is None:
            return None
        plan.call.on_stage("look closer")
        first, crop, views = closer
        second = Look.of(views, await self._look(views, plan.call))

        def combine() -> Subject:
            with plan.call.watch.measure("matte"):
                return first.closer_subject(second, crop, plan.class_ids, is_boxed=bool(read.correction.boxes))

        return await self._pixels.run(plan.claim, "combine", combine)


def _facts(view: View, outcome: Outcome) -> Facts:
    """Of the network's run, in a batch that it shares with others."""
    return {
        "silhouette.model": view.card.label,
        "silhouette.worker": outcome.worker,
        "silhouette.device": outcome.device,
        "silhouette.batch_size": outcome.batch_size,
    }


def _aim(plan: Plan, read: Read, outcomes: Outcomes) -> tuple[Look, Crop, Views] | None:
    """What the first look showed, and where and how to look closer; None where that is not worthwhile."""
    with plan.call.watch.measure("matte"):
        first = Look.of(read.views, outcomes)
        crop = first.crop(plan.class_ids, read.correction.boxed_area)
    if crop is None:
        return None
    with plan.call.watch.measure("resize"):
        part = read.photo.on_white().crop(crop)
        return first, crop, views_of(part, drawing_card(plan.model), twice=plan.effort == "best")


def _finish(plan: Plan, read: Read, outcomes: Outcomes, subject: Subject | None) -> Product:
    wanted, watch = plan.wanted, plan.call.watch
    if subject is None:
        with watch.measure("matte"):
            subject = _subject(plan, read, outcomes)
    seen = Seen(
        read.photo,
        subject.prediction,
        plan.model,
        subject.class_ids,
        read.pictures,
        sent=read.sent,
        correction=read.correction,
    )
    accepted = plan.call.accepted or [wanted.options.chosen_format()]
    return wanted.operation.finish(seen, wanted.options, accepted, watch)


def _subject(plan: Plan, read: Read, outcomes: Outcomes) -> Subject:
    """As the first look shows it; without one, the earlier matte says it all."""
    if read.correction.earlier is None:
        return Look.of(read.views, outcomes).subject(plan.class_ids)
    return Subject(Prediction.of_nothing(read.photo.size, plan.model.class_table), plan.class_ids)


def _answer(product: Product, plan: Plan, outcome: Outcome, frames: int) -> Answer:
    return Answer(
        product.body,
        product.format,
        NO_MODEL if outcome is NOBODY_LOOKED else plan.model.label,
        outcome.device,
        outcome.worker,
        outcome.batch_size,
        plan.call.watch.elapsed_ms,
        product.box,
        product.notes,
        frames,
    )
