"""What is no film, or none that can be made as it was asked for, is refused in words, and leaves nothing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.errors import BadOption, UnknownOption, UnsupportedImage, UnsupportedVideo, VideoTooLong
from service.video.choice import FilmChoice
from service.video.source import Limits
from tests.clips import write_clip
from tests.pictures import encoded
from tests.unit.video.conftest import Maker


def test_a_film_that_is_too_long_is_refused_whether_it_says_so_or_not(maker: Maker, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoTooLong):
        maker.make(clip, tmp_path / "cut.webm", Limits(1_000_000, seconds=0.2))
    assert list(tmp_path.iterdir()) == []


def test_frames_too_large_for_a_format_are_refused_in_words(maker: Maker, tmp_path: Path) -> None:
    wide = write_clip(tmp_path / "wide.avi", [np.zeros((2, 16_384, 3), np.uint8)], codec="png", pixel_format="rgb24")
    with pytest.raises(BadOption, match="webp has frames of at most 16383 pixels a side, not 16384 x 2"):
        maker.make(wide, tmp_path / "cut.webp")
    assert [path.name for path in tmp_path.iterdir()] == ["wide.avi"]


def test_what_is_wrong_with_a_films_background_is_not_said_of_the_film(
    maker: Maker, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedImage, match=r"^background: "):
        maker.make(clip, tmp_path / "new.mp4", effect="replace-background", background=b"no picture")


def test_a_fixed_matte_of_another_aspect_is_refused(maker: Maker, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="one aspect"):
        maker.make(clip, tmp_path / "cut.webm", matte=encoded(Image.new("L", (100, 100))))


def test_a_playlist_leads_nowhere(maker: Maker, clip: Path, tmp_path: Path) -> None:
    for name, text in {
        "a.m3u8": f"#EXTM3U\n#EXTINF:1,\n{clip}\n",
        "b.txt": f"ffconcat version 1.0\nfile {clip}\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UnsupportedVideo):
            maker.make(tmp_path / name, tmp_path / "cut.webm")


@pytest.mark.parametrize("content", [b"", b"not a film" * 100, b"\x00" * 5000])
def test_what_is_no_film_is_refused(maker: Maker, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.mp4").write_bytes(content)
    with pytest.raises(UnsupportedVideo):
        maker.make(tmp_path / "in.mp4", tmp_path / "cut.webm")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"format": "mp4"}, "no room for transparency; take webm, mov, zip, png, gif, webp"),
        ({"effect": "replace-background", "color": "#0000ff80", "format": "mp4"}, "no room for transparency"),
        ({"output": "matte", "format": "gif"}, "no room for mattes alone"),
        ({"crop": "true"}, "every frame of a film has one size"),
        ({"effect": "replace-background"}, "exactly one of `background`"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given: dict[str, str], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        FilmChoice.of(given)


def test_an_option_of_another_effect_is_unknown() -> None:
    with pytest.raises(UnknownOption):
        FilmChoice.of({"effect": "color-pop", "strength": "0.5"})
