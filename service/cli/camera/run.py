"""Opens the two cameras and the engine, and runs until Ctrl-C."""

import argparse
import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from service.cli.camera.fields import camera_fields
from service.cli.console import say
from service.cli.files.disk import read_named_picture
from service.cli.files.errand import as_flags
from service.cli.files.run import sigterm_as_ctrl_c
from service.configuration_errors import ConfigurationError, MissingExtra
from service.errors import Failure
from service.settings import read_settings
from service.video.libraries import has_libraries

if TYPE_CHECKING:
    from service.camera.virtual import VirtualCamera
    from service.models.labels import Size
    from service.stream.choice import Choice
    from service.workers.plan import SegmenterFamilies

TOLD_EVERY_S = 10.0
"""How often it says how many frames there were."""


def run(chosen: argparse.Namespace) -> int:
    """0 where the camera ends. Raises ConfigurationError."""
    if not has_libraries():
        raise MissingExtra.of("camera", "a camera", "av")
    from service.camera.virtual import SystemCamera

    return meet(chosen, lambda size: SystemCamera(size, chosen.rate, chosen.device))


def meet(
    chosen: argparse.Namespace,
    open_virtual: "Callable[[Size], VirtualCamera]",
    families: "SegmenterFamilies | None" = None,
) -> int:
    """What is cheap to find wrong comes first: the flags, the cameras, and only then the model."""
    from service.camera.cameras import Camera, camera_name

    size, choice = _size(chosen.size), _choice(chosen)
    background = read_named_picture(chosen.background)
    camera = Camera(camera_name(chosen.camera), size, chosen.rate)
    try:
        virtual = open_virtual(size)
        try:
            with sigterm_as_ctrl_c():
                asyncio.run(_meet(chosen.model, choice, background, camera, virtual, families))
        finally:
            virtual.close()
    finally:
        camera.close()
    return 0


async def _meet(
    model: str,
    choice: "Choice",
    background: bytes | None,
    camera: Any,
    virtual: "VirtualCamera",
    families: "SegmenterFamilies | None",
) -> None:
    from service.camera.meeting import Meeting
    from service.engine.engine import Engine
    from service.pixels.decode import decode
    from service.stream.composer import Composer
    from service.workers.plan import built_in_families

    settings = read_settings(models=(model,))
    say(f"loading {model}")
    engine = Engine.build(settings, families or built_in_families)
    card = engine.pipeline.catalogue.card(None)
    try:
        composer = Composer(card, virtual.size, choice)
        if background is not None:
            composer.put_behind(await asyncio.to_thread(decode, background, settings.max_pixels))
    except Failure as failure:
        raise ConfigurationError(as_flags(failure.detail)) from failure
    async with engine.running(settings.drain_timeout_s):
        meeting = Meeting(engine, card, composer, virtual.size)
        say(f"{camera.name} is shown as {virtual.name}: choose that in the meeting. Ctrl-C ends it")
        told = _Told()
        await meeting.run(camera, virtual, lambda: told.tell(meeting.tally.sent))


class _Told:
    """How it goes, now and then."""

    def __init__(self) -> None:
        self._since_s, self._frames = time.monotonic(), 0

    def tell(self, frames: int) -> None:
        seconds = time.monotonic() - self._since_s
        if seconds >= TOLD_EVERY_S:
            say(f"{(frames - self._frames) / seconds:.0f} frames a second")
            self._since_s, self._frames = time.monotonic(), frames


def _size(text: str) -> "Size":
    from service.models.labels import Size

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 4096 and 16 <= int(height) <= 4096):
        raise ConfigurationError(f"--size {text}: it looks like 640x480")
    return Size(int(width), int(height))


def _choice(chosen: argparse.Namespace) -> "Choice":
    """Raises ConfigurationError, also for an option of another effect."""
    from service.stream.choice import Choice

    given = {name: value for name, _ in camera_fields() if (value := getattr(chosen, name)) is not None}
    if chosen.effect == "replace-background" and (chosen.background is None) == (chosen.color is None):
        raise ConfigurationError("--effect replace-background wants one of --background and --color")
    if chosen.effect != "replace-background" and chosen.background is not None:
        raise ConfigurationError("--background goes with --effect replace-background")
    try:
        return Choice.named(chosen.effect, given, "composite", chosen.smoothing)
    except Failure as failure:
        raise ConfigurationError(as_flags(failure.detail)) from failure
