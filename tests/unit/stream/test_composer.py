"""From frames to pixels and from scores to the pictures of a result, with the tiny models' cards."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.errors import BadOption, TruncatedImage, UndecodableImage, UnknownOption
from service.models.labels import Scores, Size
from service.models.store import ModelCard, ModelStore
from service.settings import Settings
from service.stream.choice import Choice
from service.stream.composer import Composer, read_picture
from service.stream.protocol import Background, BackgroundHeader, Frame, FrameHeader, Hello, ResultPart, Update
from service.telemetry.stopwatch import Stopwatch
from tests.fakes import BLUE, DARK, RED
from tests.pictures import encoded, half_transparent, opened, painted, plain

SIZE = Size(*painted().size)
WHITE = (255, 255, 255)


@pytest.fixture
def cards(settings: Settings) -> dict[str, ModelCard]:
    store = ModelStore(Path(settings.model_store), None)
    return {card.name: card for card in store.choose(settings.models)}


def choice(**fields: Any) -> Choice:
    return Choice.of(Hello(type="hello", width=SIZE.width, height=SIZE.height, **fields))


def frame(picture: Image.Image, format_: str = "rgb", **options: Any) -> Frame:
    content = picture.tobytes() if format_ == "rgb" else encoded(picture, format_.upper(), **options)
    return Frame(FrameHeader(seq=0, timestamp_ms=0, format=format_), memoryview(content), 0.0)  # type: ignore[arg-type]


def background(picture: Image.Image) -> Background:
    return Background(BackgroundHeader(type="background", format="png"), memoryview(encoded(picture)))


def subject_scores(pixels: np.ndarray[Any, Any]) -> Scores:
    """What the tiny subject network would say: red is the subject."""
    return (pixels[..., 0] > 128).astype(np.float32)[np.newaxis]


def finished(composer: Composer, picture: Image.Image) -> list[ResultPart]:
    prepared = composer.prepare(frame(picture))
    parts, _ = composer.finish(prepared, subject_scores(prepared.pixels), Stopwatch())
    return list(parts)


def composed(cards: dict[str, ModelCard], picture: Image.Image, **fields: Any) -> ResultPart:
    (part,) = finished(Composer(cards["tiny-subject"], SIZE, choice(output="composite", **fields)), picture)
    assert part.kind == "composite"
    return part


def at(part: ResultPart, *place: int) -> tuple[int, ...]:
    return tuple(opened(part.content).getpixel(place))  # type: ignore[arg-type]


def is_near(color: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return max(abs(one - other) for one, other in zip(color, wanted, strict=True)) < 20


MIDDLE, CORNER = (100, 60), (5, 5)


def test_a_matte_is_as_large_as_the_network_answers_and_announced_so(cards: dict[str, ModelCard]) -> None:
    composer = Composer(cards["tiny-subject"], SIZE, choice())
    (part,) = finished(composer, painted())
    assert (part.kind, part.format, part.size) == ("matte", "gray8", composer.matte_size())
    plane = np.frombuffer(part.content, np.uint8).reshape(part.size.height, part.size.width)
    assert (plane[part.size.height // 2, part.size.width // 2], plane[1, 1]) == (255, 0)


def test_the_padding_of_a_network_is_not_in_the_matte(cards: dict[str, ModelCard]) -> None:
    card = cards["tiny-classes"]
    composer = Composer(card, SIZE, choice())
    prepared = composer.prepare(frame(plain(RED)))
    scores = np.full(card.score_shape, -9, np.float32)
    scores[0] = 9.0
    rows = round(card.output.height * SIZE.height / SIZE.width)
    scores[1, :rows] = 18.0
    (part,), _ = composer.finish(prepared, scores, Stopwatch())
    assert part.size == composer.matte_size()
    assert part.size.width / part.size.height == pytest.approx(SIZE.width / SIZE.height, rel=0.05)
    assert np.frombuffer(part.content, np.uint8).mean() > 250


def test_a_color_goes_behind_the_subject(cards: dict[str, ModelCard]) -> None:
    part = composed(cards, painted(), effect="replace-background", options={"color": "white"})
    assert part.format == "jpeg"
    assert is_near(at(part, *MIDDLE), RED)
    assert is_near(at(part, *CORNER), WHITE)


def test_a_picture_takes_the_place_of_a_color_and_a_later_color_that_of_the_picture(
    cards: dict[str, ModelCard],
) -> None:
    chosen = choice(output="composite", effect="replace-background", options={"color": "white"})
    composer = Composer(cards["tiny-subject"], SIZE, chosen)
    assert composer.take_background(background(plain(BLUE).resize((900, 700))), 10**6, lambda _: None) == (900, 700)
    assert is_near(at(finished(composer, painted())[0], *CORNER), BLUE)
    composer.choose(composer.choice.updated(Update(type="update", output="composite")))
    assert is_near(at(finished(composer, painted())[0], *CORNER), BLUE)
    composer.choose(composer.choice.updated(Update(type="update", options={"color": "white"})))
    assert is_near(at(finished(composer, painted())[0], *CORNER), WHITE)


def test_without_a_color_and_without_a_picture_there_is_nothing_to_put_behind(cards: dict[str, ModelCard]) -> None:
    with pytest.raises(BadOption, match="background picture"):
        composed(cards, painted(), effect="replace-background")


def test_a_transparent_picture_behind_comes_back_transparent(cards: dict[str, ModelCard]) -> None:
    composer = Composer(cards["tiny-subject"], SIZE, choice(output="composite", effect="replace-background"))
    composer.take_background(background(half_transparent(plain(BLUE))), 10**6, lambda _: None)
    (part,) = finished(composer, painted())
    assert part.format == "webp"
    assert at(part, 5, 5)[3] == 0
    assert at(part, 195, 5)[3] == 255


def test_a_cutout_has_alpha(cards: dict[str, ModelCard]) -> None:
    part = composed(cards, painted())
    assert (part.format, opened(part.content).mode) == ("webp", "RGBA")
    assert (at(part, *MIDDLE)[3], at(part, *CORNER)[3]) == (255, 0)


def test_what_is_popped_stays_red_and_the_rest_turns_grey(cards: dict[str, ModelCard]) -> None:
    part = composed(cards, painted(background=BLUE), effect="color-pop")
    assert is_near(at(part, *MIDDLE), RED)
    red, green, blue = at(part, *CORNER)
    assert abs(red - blue) < 12
    assert abs(green - blue) < 12


def test_a_blur_keeps_the_subject(cards: dict[str, ModelCard]) -> None:
    part = composed(cards, painted(), effect="blur-background", options={"strength": 0.5})
    assert is_near(at(part, *MIDDLE), RED)


def test_both_come_with_the_matte_first(cards: dict[str, ModelCard]) -> None:
    parts = finished(Composer(cards["tiny-subject"], SIZE, choice(output="both")), painted())
    assert [part.kind for part in parts] == ["matte", "composite"]


def test_an_update_keeps_what_it_does_not_name_and_another_effect_begins_anew() -> None:
    first = choice(effect="blur-background", options={"strength": 0.7}, smoothing=0.5)
    assert first.updated(Update(type="update", output="both")).options == first.options
    other = first.updated(Update(type="update", effect="color-pop"))
    assert (other.effect.name, other.smoothing, other.options.quality) == ("color-pop", 0.5, 80)
    assert first.updated(Update(type="update", options={"quality": 50})).options.quality == 50


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        ({"strenght": 1}, UnknownOption),
        ({"strength": 7}, BadOption),
        ({"model": "u2net"}, BadOption),
        ({"format": "png"}, BadOption),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], failure: type[BadOption]) -> None:
    with pytest.raises(failure):
        choice(effect="blur-background", options=options)


@pytest.mark.parametrize("format_", ["rgb", "jpeg", "webp"])
def test_a_frame_is_read_as_it_was_sent(format_: str) -> None:
    picture = read_picture(frame(painted(), format_), SIZE, None)
    assert (picture.mode, picture.size) == ("RGB", SIZE)
    assert is_near(picture.getpixel(MIDDLE), RED)  # type: ignore[arg-type]
    assert is_near(picture.getpixel(CORNER), DARK)  # type: ignore[arg-type]


def test_where_only_the_matte_is_wanted_a_jpeg_is_read_at_half_its_size_or_less() -> None:
    assert read_picture(frame(painted(), "jpeg"), SIZE, Size(100, 60)).size == (100, 60)
    assert read_picture(frame(painted(), "jpeg"), SIZE, Size(64, 48)).size == (100, 60)
    assert read_picture(frame(painted(), "jpeg"), SIZE, Size(25, 15)).size == (25, 15)
    assert read_picture(frame(painted(), "jpeg"), SIZE, Size(120, 60)).size == SIZE


@pytest.mark.parametrize("format_", ["rgb", "jpeg", "webp"])
def test_a_frame_of_another_size_than_the_hello_said_is_refused(format_: str) -> None:
    with pytest.raises(BadOption, match="200 x 121"):
        read_picture(frame(painted(), format_), Size(200, 121), None)


def test_a_broken_frame_is_refused_and_so_is_one_of_another_format() -> None:
    whole = encoded(painted(), "JPEG")
    header = FrameHeader(seq=0, timestamp_ms=0, format="jpeg")
    with pytest.raises(TruncatedImage):
        read_picture(Frame(header, memoryview(whole[: len(whole) // 2]), 0.0), SIZE, None)
    for content in (b"", b"no picture", encoded(painted(), "PNG")):
        with pytest.raises(UndecodableImage):
            read_picture(Frame(header, memoryview(content), 0.0), SIZE, None)
