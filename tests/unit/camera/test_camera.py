"""`silhouette camera`: what is filmed comes out with its effect, and what is missing is said in words."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from service.camera.cameras import Camera
from service.camera.meeting import Meeting
from service.camera.virtual import SystemCamera
from service.cli.camera.run import meet, run
from service.cli.main import parser
from service.configuration_errors import ConfigurationError, MissingExtra
from service.models.labels import Size
from service.stream.choice import Choice
from service.stream.composer import Composer
from tests.clips import red_square, write_clip
from tests.fakes import make_store, tiny_families
from tests.unit.video.conftest import Maker, maker

__all__ = ["maker"]

SIZE = Size(160, 96)


class EnoughError(Exception):
    """The meeting is over."""


@dataclass
class Shown:
    """A virtual camera that remembers, and ends the meeting after `most` frames."""

    size: Size = SIZE
    name: str = "a test"
    most: int = 1000
    pictures: list[Image.Image] = field(default_factory=list)
    is_closed: bool = False

    def send(self, picture: Image.Image) -> None:
        self.pictures.append(picture)
        if len(self.pictures) >= self.most:
            raise EnoughError

    def close(self) -> None:
        self.is_closed = True


class FiniteCamera:
    """Films so many frames as fast as they can be had, and is pulled out."""

    name = "a test"

    def __init__(self, count: int, size: tuple[int, int] = SIZE) -> None:
        self._pictures = red_square(count, size, step_px=0)

    def frames(self) -> Iterator[av.VideoFrame]:
        for picture in self._pictures:
            yield av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")

    def close(self) -> None: ...


def met(maker: Maker, camera: FiniteCamera, effect: str, **options: Any) -> tuple[Meeting, Shown]:
    card, shown = maker.engine.pipeline.catalogue.card(None), Shown()
    composer = Composer(card, SIZE, Choice.named(effect, options, "composite", 0.9))
    meeting = Meeting(maker.engine, card, composer, SIZE)
    maker.runner.run(meeting.run(camera, shown))
    return meeting, shown


def test_every_frame_is_shown_or_was_followed_by_a_newer_one(maker: Maker) -> None:
    meeting, shown = met(maker, FiniteCamera(12), "replace-background", color="lime")
    assert meeting.tally.sent == len(shown.pictures) > 0
    assert meeting.tally.sent + meeting.tally.dropped == 12
    for picture in shown.pictures:
        assert (picture.mode, picture.size) == ("RGB", SIZE)
        assert np.abs(np.subtract(picture.getpixel((4, 4)), (0, 255, 0))).max() < 12  # type: ignore[arg-type]
        assert picture.getpixel((50, 48))[0] > 190  # type: ignore[index]


def test_a_camera_of_another_aspect_fills_the_virtual_one(maker: Maker) -> None:
    _, shown = met(maker, FiniteCamera(2, (200, 200)), "color-pop")
    assert {picture.size for picture in shown.pictures} == {SIZE}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(make_store(tmp_path / "store")))
    monkeypatch.setenv("SILHOUETTE_DEVICE", "cpu")


@pytest.mark.usefixtures("tiny")
def test_a_film_stands_for_a_camera_without_an_end(tmp_path: Path) -> None:
    film = write_clip(tmp_path / "talk.mp4", red_square(3), options={"b": "2M"})
    Image.new("RGB", (80, 48), (0, 0, 200)).save(tmp_path / "blue.png")
    shown = Shown(most=5)
    command = ["--model", "tiny-subject", "--effect", "replace-background", "--background", str(tmp_path / "blue.png")]
    chosen = parser().parse_args(["camera", "--camera", str(film), "--size", "160x96", *command])
    with pytest.raises(EnoughError):
        meet(chosen, lambda size: shown, tiny_families)
    assert len(shown.pictures) == 5
    assert np.abs(np.subtract(shown.pictures[-1].getpixel((4, 4)), (0, 0, 200))).max() < 12  # type: ignore[arg-type]
    assert shown.is_closed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--camera", "/dev/no-such-camera"], "no-such-camera: there is none of that name"),
        (["--camera", "/dev/null"], "it is no camera"),
        (["--camera", "text.mp4"], "it is no film"),
        (["--size", "large"], "looks like 640x480"),
        (["--color", "red"], "there is no option"),
        (["--effect", "replace-background"], "one of --background and --color"),
        (["--background", "beach.jpg"], "goes with --effect replace-background"),
        (["--effect", "replace-background", "--background", "none.jpg"], "none.jpg: No such file"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="cameras have other names there")
def test_what_is_wrong_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_bytes(b"no film at all" * 50)
    with pytest.raises(ConfigurationError, match=told):
        meet(parser().parse_args(["camera", *arguments]), lambda size: Shown(size), tiny_families)


def test_a_machine_without_a_driver_is_told_what_to_install() -> None:
    pytest.importorskip("pyvirtualcam")
    with pytest.raises(ConfigurationError, match="there is no virtual camera") as refused:
        SystemCamera(SIZE, 30, "/dev/no-such-camera")
    assert "docs/camera.md" in str(refused.value)


def test_an_installation_without_the_extra_is_told_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MissingExtra, match=r"\.\[camera\]"):
        SystemCamera(SIZE, 30, None)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"\.\[camera\]"):
        run(parser().parse_args(["camera"]))


def test_a_film_that_is_read_as_a_camera_is_closed(tmp_path: Path) -> None:
    camera = Camera(str(write_clip(tmp_path / "talk.mp4", red_square(2))), SIZE, 30)
    frames = camera.frames()
    shapes = [(next(frames).width, next(frames).height) for _ in range(2)]
    assert shapes == [SIZE, SIZE]
    camera.close()
