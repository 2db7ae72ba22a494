"""An engine with the tiny models, and films that are made with it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.engine.engine import Engine
from service.settings import Settings
from service.video.choice import FilmChoice
from service.video.files import FilmFiles
from service.video.film import Made, make_film
from service.video.source import Limits
from service.video.watch import Watch
from tests.clips import red_square, write_clip
from tests.fakes import tiny_families

LIMITS = Limits(pixels=1_000_000)
FRAMES = 12
"""Of the clip."""


@dataclass(frozen=True)
class Maker:
    """Makes films, one after the other, on one event loop."""

    runner: asyncio.Runner
    engine: Engine

    def make(self, source: Path, result: Path, limits: Limits = LIMITS, **given: Any) -> Made:
        return self.runner.run(self.making(source, result, limits, **given))

    async def making(
        self, source: Path, result: Path, limits: Limits = LIMITS, watch: Watch | None = None, **given: Any
    ) -> Made:
        background, matte = given.pop("background", None), given.pop("matte", None)
        choice = FilmChoice.of(
            {"format": result.suffix[1:] or "png", "speed": "fastest", **given}, has_background=background is not None
        )
        return await make_film(self.engine, FilmFiles(source, result, background, matte), choice, limits, watch)

    def looks(self) -> float:
        """How many frames the networks have seen so far."""
        line = 'silhouette_inferred_images_total{model="tiny-subject"} '
        return sum(float(each.removeprefix(line)) for each in self._metrics() if each.startswith(line))

    def _metrics(self) -> list[str]:
        return self.engine.metrics.render().decode().splitlines()


@pytest.fixture(scope="session")
def maker(settings: Settings) -> Iterator[Maker]:
    with asyncio.Runner() as runner:
        engine = Engine.build(settings, tiny_families)
        runner.run(engine.pool.start())
        yield Maker(runner, engine)
        runner.run(engine.stop(5.0))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square over the dark, with a tone."""
    path = tmp_path_factory.mktemp("films") / "clip.mp4"
    return write_clip(path, red_square(FRAMES), tones_hz=(440,), options={"b": "2M"})
