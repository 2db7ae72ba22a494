"""Works films off, one after the other: each of them keeps all cores busy."""

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.exit_codes import FAILED, INTERRUPTED
from service.cli.files.errand import as_flags
from service.cli.files.run import sigterm_as_ctrl_c
from service.errors import Failure
from service.settings import Settings, read_settings
from service.video.libraries import check_libraries

if TYPE_CHECKING:
    from rich.progress import TaskID

    from service.cli.video.plan import Plan
    from service.engine.engine import Engine
    from service.video.files import FilmFiles
    from service.video.film import Made
    from service.workers.plan import SegmenterFamilies


def run(chosen: argparse.Namespace) -> int:
    """The exit code: 1 where a film has no result, 130 where Ctrl-C came first. Raises ConfigurationError."""
    check_libraries()
    from service.cli.video.plan import make_plan
    from service.workers.allocator import keep_blocks

    plan = make_plan(chosen)
    keep_blocks()  # 71 page faults a frame of 720p instead of 900
    return work_off(plan)


def work_off(plan: "Plan", families: "SegmenterFamilies | None" = None) -> int:
    """The exit code. Raises ConfigurationError where the models cannot be had."""
    films = [film for film in plan.films if not (plan.is_resumed and film.result.exists())]
    work = _Work(plan, len(plan.films) - len(films))
    if films:
        try:
            with sigterm_as_ctrl_c():
                asyncio.run(work.on_all(films, families))
        except KeyboardInterrupt:
            say(f"{work.done} of {len(plan.films)} films done; run again with --resume to go on where it stopped")
            return INTERRUPTED
    say(f"{work.done} of {len(plan.films)} films done")
    return FAILED if work.done < len(plan.films) else 0


@dataclass
class _Work:
    plan: "Plan"
    done: int
    """How many have a result."""

    async def on_all(self, films: "list[FilmFiles]", families: "SegmenterFamilies | None") -> None:
        from service.cli.video.progress import frame_progress
        from service.engine.engine import Engine
        from service.workers.plan import built_in_families

        settings = read_settings(models=(self._model(),))
        say(f"loading {settings.models[0] if settings.models else ''}")
        engine = Engine.build(settings, families or built_in_families)
        async with engine.running(settings.drain_timeout_s):
            with frame_progress() as progress:
                for files in films:
                    bar = progress.add_task(files.source.name, total=None)

                    def advance(frames: int, total: int | None, bar: "TaskID" = bar) -> None:
                        progress.update(bar, completed=frames, total=total)

                    await self._on(engine, settings, files, advance)
                    progress.remove_task(bar)

    def _model(self) -> str:
        """The name of the one that is asked. Raises ConfigurationError where it is not known."""
        from service.models.store import ModelStore

        settings = read_settings()
        store = ModelStore(settings.model_store)
        name = self.plan.choice.options.model
        return store.card(name).name if name else store.choose(settings.models)[0].name

    async def _on(
        self, engine: "Engine", settings: Settings, files: "FilmFiles", advance: Callable[[int, int | None], None]
    ) -> None:
        """Whatever goes wrong with this film is told, and is no other's business."""
        from service.video.film import make_film
        from service.video.source import Limits
        from service.video.watch import Watch

        began_s = time.monotonic()
        watch = Watch(on_progress=lambda progress: advance(progress.frames, progress.total))
        try:
            files.result.parent.mkdir(parents=True, exist_ok=True)
            if not self.plan.is_resumed:
                files.mattes.unlink(missing_ok=True)
            made = await make_film(engine, files, self.plan.choice, Limits(settings.max_pixels), watch)
        except Failure as failure:
            say(f"{files.source}: {as_flags(failure.detail)}")
        except OSError as error:
            say(f"{files.source}: {error.filename or files.result}: {error.strerror or error}")
        else:
            self.done += 1
            say(_told(files, made, time.monotonic() - began_s))


def _told(files: "FilmFiles", made: "Made", seconds: float) -> str:
    """One line: what it became, how long that took, and what is missing."""
    missing = {"lost": made.lost, "damaged": made.damaged, "pieces of sound lost": made.lost_sound}
    notes = "".join(f", {count} {what}" for what, count in missing.items() if count)
    rate = made.frames / max(seconds, 1e-3)
    return f"{files.result}: {made.frames} frames{notes} in {seconds:.0f} s ({rate:.1f} a second)"
