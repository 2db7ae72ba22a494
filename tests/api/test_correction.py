"""`keep_mask`, `remove_mask`, `matte` and `hints`: a hand in what the network says, on every operation."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from tests.api.asking import POSTS, problem_of
from tests.fakes import BLUE, DARK, RED
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, half_transparent, painted, pixels, red_and_blue

PATH = "/remove-background"
MISSED = (150, 40, 190, 80)
"""A blue part of the subject, which `tiny-subject` takes for background."""

Levels = NDArray[Any]


def photo() -> Image.Image:
    """The red subject that the network sees, and a blue one that it does not."""
    picture = painted(RED, DARK)
    picture.paste(BLUE, MISSED)
    return picture


def mask(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """White where painted."""
    layer = Image.new("L", size)
    for box in boxes:
        layer.paste(255, box)
    return layer


def ask_with(
    client: TestClient,
    pictures: Mapping[str, Image.Image | bytes],
    options: Mapping[str, str] | None = None,
    image: Image.Image | bytes | None = None,
    path: str = PATH,
) -> Response:
    given = {"image": photo() if image is None else image, **pictures}
    contents = {name: each if isinstance(each, bytes) else encoded(each) for name, each in given.items()}
    files = {name: (f"{name}.png", content, "image/png") for name, content in contents.items()}
    return client.post(path, files=files, data={**POSTS[path], **(options or {})})


def matte(client: TestClient, image: Image.Image | bytes | None = None, **given: Any) -> Levels:
    """With pictures as pictures and the rest as options."""
    pictures = {name: each for name, each in given.items() if isinstance(each, Image.Image | bytes)}
    options = {name: str(each) for name, each in given.items() if name not in pictures}
    answer = ask_with(client, pictures, {"output": "matte", **options}, image)
    assert answer.status_code == 200, answer.content[:500]
    levels: Levels = pixels(answer.content)
    return levels


def inside(levels: Levels, box: tuple[int, int, int, int]) -> Levels:
    left, top, right, bottom = box
    return levels[top:bottom, left:right]


def test_what_is_painted_is_obeyed_to_the_pixel(client: TestClient) -> None:
    kept, removed = (20, 10, 45, 22), (70, 40, 90, 80)
    levels = matte(client, keep_mask=mask(kept), remove_mask=mask(removed))
    assert (inside(levels, kept) == 255).all()
    assert (inside(levels, removed) == 0).all()


def test_removing_wins_where_both_are_painted(client: TestClient) -> None:
    both = (30, 10, 50, 20)
    levels = matte(client, keep_mask=mask((20, 10, 50, 20)), remove_mask=mask(both))
    assert (inside(levels, both) == 0).all()
    assert (inside(levels, (20, 10, 30, 20)) == 255).all()


def test_a_stroke_grows_along_one_colour_up_to_its_edges(client: TestClient) -> None:
    before = matte(client)
    assert inside(before, MISSED).max() < 128
    after = matte(client, keep_mask=mask((160, 50, 180, 70)))
    assert inside(after, (152, 42, 188, 78)).min() >= 250
    beyond = np.ones(after.shape, np.bool_)
    inside(beyond, (148, 38, 192, 82))[:] = False
    assert np.array_equal((after >= 128)[beyond], (before >= 128)[beyond])


def test_far_from_strokes_no_bit_changes(client: TestClient) -> None:
    before, after = matte(client), matte(client, remove_mask=mask((72, 45, 78, 51)))
    assert not np.array_equal(before, after)
    assert np.array_equal(before[:, 110:], after[:, 110:])


def test_an_empty_mask_changes_nothing(client: TestClient) -> None:
    assert np.array_equal(matte(client), matte(client, keep_mask=mask(), remove_mask=mask()))


def test_an_earlier_matte_stands_for_the_network(client: TestClient) -> None:
    whole = Image.new("L", (WIDTH, HEIGHT), 77)
    answer = ask_with(client, {"matte": whole}, {"output": "matte", "allow_empty": "true"})
    assert (pixels(answer.content) == 77).all()
    assert (answer.headers["X-Model"], answer.headers["X-Device"]) == ("none", "none")
    assert "infer" not in answer.headers["Server-Timing"]


def test_what_output_matte_answers_is_what_to_send_next_time(client: TestClient) -> None:
    first = ask_with(client, {"keep_mask": mask((20, 10, 45, 22))}, {"output": "matte"}).content
    assert np.array_equal(matte(client, matte=first), pixels(first))
    second = matte(client, matte=first, remove_mask=mask((70, 40, 90, 80)))
    assert (inside(second, (20, 10, 45, 22)) == 255).all()
    assert (inside(second, (70, 40, 90, 80)) == 0).all()


def test_a_cutout_is_as_good_as_its_matte(client: TestClient) -> None:
    cutout = ask_with(client, {"keep_mask": mask((20, 10, 45, 22))}).content
    assert np.array_equal(matte(client, matte=cutout), pixels(cutout)[..., 3])


def test_a_matte_of_a_smaller_preview_gets_the_photo_s_edges(client: TestClient) -> None:
    small = mask((30, 15, 70, 45), size=(WIDTH // 2, HEIGHT // 2))
    levels = matte(client, matte=small)
    assert levels.shape == (HEIGHT, WIDTH)
    assert (inside(levels, (64, 34, 136, 86)) == 255).all()
    assert levels[:26].max() == 0


def test_masks_may_have_any_size_of_the_aspect(client: TestClient) -> None:
    large = mask((40, 20, 90, 44), size=(2 * WIDTH, 2 * HEIGHT))
    assert (inside(matte(client, keep_mask=large), (20, 10, 45, 22)) == 255).all()


@pytest.mark.parametrize("name", ["keep_mask", "remove_mask", "matte"])
def test_another_aspect_is_refused_with_both_sizes(client: TestClient, name: str) -> None:
    answer = ask_with(client, {name: mask(size=(100, 100))})
    detail = problem_of(answer, 422, "bad_option")["detail"]
    assert all(word in detail for word in (name, "100 x 100", f"{WIDTH} x {HEIGHT}"))


def test_a_mask_counts_where_it_is_white_and_opaque(client: TestClient) -> None:
    """As a page's canvas saves it: strokes on nothing."""
    strokes = Image.new("RGBA", (WIDTH, HEIGHT))
    strokes.paste((255, 255, 255, 255), (20, 10, 45, 22))
    levels = matte(client, keep_mask=strokes)
    assert np.array_equal(levels, matte(client, keep_mask=mask((20, 10, 45, 22))))


def turned(picture: Image.Image) -> bytes:
    """As a phone stores it that was held upright: on its side, with a word on it."""
    exif = Image.Exif()
    exif[274] = 6
    return encoded(picture.transpose(Image.Transpose.ROTATE_90), exif=exif)


def test_masks_are_of_the_upright_photo_and_are_turned_where_they_say_so(client: TestClient) -> None:
    kept = (20, 10, 45, 22)
    straight = matte(client, keep_mask=mask(kept))
    assert np.array_equal(straight, matte(client, turned(photo()), keep_mask=mask(kept)))
    assert np.array_equal(straight, matte(client, turned(photo()), keep_mask=turned(mask(kept))))


def test_what_the_photo_hides_itself_stays_hidden(client: TestClient) -> None:
    levels = matte(client, half_transparent(painted(RED, BLUE)), keep_mask=mask((20, 10, 160, 22)))
    assert (levels[:, : WIDTH // 2] == 0).all()
    assert (inside(levels, (WIDTH // 2, 10, 160, 22)) == 255).all()


@pytest.mark.parametrize("path", [path for path in POSTS if path != "/segment"])
def test_every_effect_takes_a_correction(client: TestClient, path: str) -> None:
    plain, corrected = (
        ask_with(client, pictures, {"format": "png"}, path=path) for pictures in ({}, {"keep_mask": mask(MISSED)})
    )
    assert (plain.status_code, corrected.status_code) == (200, 200), corrected.content
    right = [
        int(each.headers["X-Foreground-Left"]) + int(each.headers["X-Foreground-Width"]) for each in (plain, corrected)
    ]
    assert right == pytest.approx([SUBJECT_BOX[2], MISSED[2]], abs=2)


def test_segment_takes_one_of_a_model_of_one_class(client: TestClient) -> None:
    given = {"model": "tiny-subject", "output": "mask"}
    levels = pixels(ask_with(client, {"keep_mask": mask(MISSED)}, given, path="/segment").content)
    assert (inside(levels, MISSED) == 255).all()


def test_segment_of_many_classes_takes_one_of_the_class_that_is_named(client: TestClient) -> None:
    given = {"model": "tiny-classes", "output": "labels", "classes": "red"}
    removed, kept = mask((20, 20, 80, 100)), mask((100, 5, 110, 15))
    answer = ask_with(client, {"remove_mask": removed, "keep_mask": kept}, given, red_and_blue(), "/segment")
    labels = pixels(answer.content)
    assert (inside(labels, (20, 20, 80, 100)) == 0).all()
    assert (inside(labels, (100, 5, 110, 15)) == 1).all()
    assert (inside(labels, (125, 45, 175, 75)) == 2).all()


def test_segment_refuses_a_correction_of_several_classes(client: TestClient) -> None:
    answer = ask_with(client, {"keep_mask": mask(MISSED)}, {"model": "tiny-classes"}, path="/segment")
    assert "classes" in problem_of(answer, 422, "bad_option")["detail"]


def test_effects_of_a_model_of_many_classes_take_one_of_what_is_kept(client: TestClient) -> None:
    levels = matte(client, red_and_blue(), model="tiny-classes", keep="red", keep_mask=mask((120, 40, 180, 80)))
    assert (inside(levels, (22, 22, 78, 98)) > 250).all()
    assert (inside(levels, (120, 40, 180, 80)) == 255).all()


def test_the_answer_s_tag_depends_on_all_of_it(client: TestClient) -> None:
    tags = [
        ask_with(client, pictures, options).headers["ETag"]
        for pictures, options in [
            ({}, {}),
            ({"keep_mask": mask((20, 10, 45, 22))}, {}),
            ({"remove_mask": mask((20, 10, 45, 22))}, {}),
            ({"keep_mask": mask((20, 10, 45, 23))}, {}),
            ({"matte": mask((20, 10, 45, 22))}, {}),
            ({}, {"hints": '{"points": [{"x": 1, "y": 2}]}'}),
        ]
    ]
    assert len(set(tags)) == len(tags)


# --- hints ------------------------------------------------------------------------------------------------------------


def test_points_and_strokes_are_as_good_as_masks(client: TestClient) -> None:
    line = [[155, 60], [185, 60]]
    hints = {"strokes": [{"points": line, "radius": 8}, {"points": [[80, 60]], "radius": 10, "keep": False}]}
    layer = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(layer).line([(155, 60), (185, 60)], fill=255, width=14)
    levels = matte(client, hints=json.dumps(hints))
    assert (levels[np.asarray(layer) > 0] == 255).all()
    assert levels[60, 80] == 0
    pointed = matte(client, hints=json.dumps({"points": [{"x": 170.5, "y": 60.5}, {"x": 100, "y": 60, "keep": False}]}))
    assert (pointed[60, 170], pointed[60, 100]) == (255, 0)


def test_hints_are_of_the_upright_photo(client: TestClient) -> None:
    hints = json.dumps({"points": [{"x": 170, "y": 60}]})
    assert np.array_equal(matte(client, hints=hints), matte(client, turned(photo()), hints=hints))


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ("[1", ["no JSON"]),
        ("[]", ["hints: a JSON object is wanted"]),
        ({"strokes": [{"points": [], "radius": 5}]}, ["strokes[0].points: at least 1 are wanted, not 0"]),
        ({"point": []}, ["hints.point: there is none of that name"]),
        ({"points": [{"x": 300, "y": 20}]}, ["points[0]", "(300, 20)", f"{WIDTH} x {HEIGHT}", "upright"]),
        ({"points": [{"x": 0.5, "y": 0.25}]}, ["between 0 and 1", "pixels of the upright photo"]),
        ({"strokes": [{"points": [[10, 10], [10, 400]], "radius": 5}]}, ["strokes[0]", "(10, 400)"]),
        ({"strokes": [{"points": [[10, 10]], "radius": 0}]}, ["radius"]),
        ({"boxes": [[50, 50, 20, 90]]}, ["left, top, right, bottom"]),
        ({"boxes": [[50, 50, 220, 90]]}, ["boxes[0]", "(220, 90)"]),
        ({"points": [{"x": 1, "y": 1}] * 5001}, ["5000", "keep_mask"]),
    ],
    ids=str,
)
def test_wrong_hints_are_refused_with_what_is_wrong(client: TestClient, hints: Any, words: list[str]) -> None:
    answer = ask_with(client, {}, {"hints": hints if isinstance(hints, str) else json.dumps(hints)})
    detail = problem_of(answer, 422, "bad_option")["detail"]
    assert all(word in detail for word in words), detail
    assert not any(word in detail for word in ("Value error", "Tuple", "instance of")), detail


def test_what_lies_outside_of_all_boxes_is_background(client: TestClient) -> None:
    levels = matte(client, hints=json.dumps({"boxes": [[0, 0, 100, 120]]}))
    assert (levels[:, 100:] == 0).all()
    assert (inside(levels, (62, 32, 98, 88)) > 250).all()


def test_a_box_is_looked_at_once_more_and_more_closely(client: TestClient) -> None:
    """A subject of 2 x 2 pixels is half a sample of the first look, and several of the second."""
    small = Image.new("RGB", (WIDTH, HEIGHT), BLUE)
    small.paste(RED, (160, 30, 162, 32))
    once = matte(client, small, refine="off", allow_empty="true")
    boxed = matte(client, small, refine="off", hints=json.dumps({"boxes": [[154, 24, 168, 38]]}))
    assert inside(once, (160, 30, 162, 32)).mean() + 50 < inside(boxed, (160, 30, 162, 32)).mean()


def test_with_a_matte_a_box_lets_nobody_look(client: TestClient) -> None:
    given = {"hints": json.dumps({"boxes": [[20, 20, 60, 60]]}), "output": "matte"}
    answer = ask_with(client, {"matte": mask((0, 0, 100, 100))}, given)
    assert (answer.headers["X-Model"], pixels(answer.content)[40, 40], pixels(answer.content)[70, 40]) == (
        "none",
        255,
        0,
    )
