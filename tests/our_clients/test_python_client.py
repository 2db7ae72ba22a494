"""`clients/python` against the real service: pictures, jobs, models, errors, batches and films."""

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from silhouette_client import (
    AccessError,
    Busy,
    Client,
    ConnectionFailed,
    InputError,
    Job,
    JobFailed,
    Late,
    NoForeground,
    Result,
    ServiceFault,
    SilhouetteError,
)

from tests.clips import read_pictures
from tests.fakes import BLUE, DARK
from tests.our_clients.answers import CHANGES, GONE, MINE, OK, PICTURE, busy
from tests.our_clients.conftest import SILENCE, Said, scripted
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, plain, red_and_blue


def test_a_result_says_what_it_is_and_what_made_it(url: str) -> None:
    with Client(url) as silhouette:
        result = silhouette.remove_background(PICTURE)
    assert result.media_type == "image/png"
    assert result.array().shape == (HEIGHT, WIDTH, 4)
    assert result.model == "tiny-subject@1"
    assert result.request_id
    left, top, right, bottom = SUBJECT_BOX
    assert result.box == pytest.approx((left, top, right - left, bottom - top), abs=2)


def test_a_picture_is_submitted_as_a_job_and_its_result_fetched(url: str) -> None:
    with Client(url) as silhouette:
        job = silhouette.wait(silhouette.submit("remove-background", PICTURE, format="webp"))
        assert silhouette.result_of(job).content == silhouette.remove_background(PICTURE, format="webp").content
        with pytest.raises(JobFailed, match="no_foreground"):
            silhouette.result_of(silhouette.wait(silhouette.submit("remove-background", encoded(plain(BLUE)))))
        with pytest.raises(InputError, match="unknown_option"):
            silhouette.submit("remove-background", PICTURE, qualty=50)


def test_a_picture_may_be_a_path_or_bytes_or_a_file(url: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PICTURE)
    with Client(url) as silhouette, path.open("rb") as file:
        results = {silhouette.color_pop(picture).content for picture in (path, str(path), PICTURE, file)}
        results.add(silhouette.color_pop(io.BytesIO(PICTURE)).content)
    assert len(results) == 1


def test_every_operation_takes_its_options_by_their_names(url: str, tmp_path: Path) -> None:
    with Client(url) as silhouette:
        cropped = silhouette.remove_background(PICTURE, crop=True, margin="10%", format="webp", keep=["subject"])
        assert cropped.media_type == "image/webp"
        replaced = silhouette.replace_background(PICTURE, background=encoded(plain(BLUE)), decontaminate=False)
        assert tuple(replaced.array()[0, 0]) == pytest.approx(BLUE, abs=2)
        assert silhouette.blur_background(PICTURE, strength=0.5).array().shape == (HEIGHT, WIDTH, 3)
        shot = silhouette.product_shot(PICTURE, size="100x100", shadow="contact")
        assert shot.array().shape[:2] == (100, 100)
        shot.save(tmp_path / "shot.png")
        assert (tmp_path / "shot.png").read_bytes() == shot.content


def test_masks_come_as_class_ids_or_as_json(url: str) -> None:
    picture = encoded(red_and_blue())
    with Client(url) as silhouette:
        assert np.unique(silhouette.segment(picture, model="tiny-classes").array()).tolist() == [0, 1, 2]
        masks = silhouette.segment(picture, model="tiny-classes", output="masks", format="json", encoding="rle").json()
    assert [mask["label"] for mask in masks] == ["red", "blue"]


def test_the_models_are_listed(url: str) -> None:
    with Client(url + "/") as silhouette:
        assert [model["name"] for model in silhouette.models()][:2] == ["tiny-subject", "tiny-classes"]


def test_a_model_is_loaded_that_is_there_already(url: str) -> None:
    with Client(url) as silhouette:
        assert silhouette.load_model("tiny-classes")["state"] == "loaded"
        assert silhouette.set_default_model("tiny-subject")["default"]
        with pytest.raises(InputError, match="unknown_model"):
            silhouette.unload_model("sam")


def test_models_are_changed_by_their_names() -> None:
    with scripted(MINE, MINE, GONE) as script, Client(script.url) as silhouette:
        assert silhouette.load_model("mine") == silhouette.set_default_model("mine") == {"name": "mine"}
        silhouette.unload_model("mi/ne")
    assert script.lines == CHANGES


def test_problems_become_errors_of_their_kind(url: str) -> None:
    with Client(url) as silhouette:
        with pytest.raises(NoForeground) as missing:
            silhouette.remove_background(encoded(plain(DARK)))
        with pytest.raises(InputError) as unread:
            silhouette.remove_background(b"no picture")
        with pytest.raises(InputError) as unknown:
            silhouette.segment(PICTURE, model="sam")
    assert (missing.value.code, missing.value.status) == ("no_foreground", 422)
    assert missing.value.request_id
    assert "allow_empty" in missing.value.detail
    assert (unread.value.code, unknown.value.code) == ("unsupported_image", "unknown_model")


def test_a_silent_service_is_late_and_was_told_how_long_it_had() -> None:
    with scripted(SILENCE) as script, Client(script.url, timeout_s=1.0) as silhouette, pytest.raises(Late) as late:
        silhouette.remove_background(PICTURE)
    assert (late.value.code, late.value.status) == ("no_answer", None)
    assert 0 < int(script.headers[0]["x-request-timeout-ms"]) <= 1000


def test_a_busy_service_is_asked_again_when_it_says() -> None:
    with scripted(busy(**{"Retry-After": "1"}), OK) as script, Client(script.url, key="sil_1") as silhouette:
        began_s = time.monotonic()
        assert silhouette.segment(PICTURE).content == PICTURE
        assert time.monotonic() - began_s >= 1.0
    assert [headers["x-api-key"] for headers in script.headers] == ["sil_1", "sil_1"]
    first_ms, second_ms = (int(headers["x-request-timeout-ms"]) for headers in script.headers)
    assert second_ms <= first_ms - 1000


def test_a_lost_connection_is_asked_again() -> None:
    with scripted((503, {}, b"starting"), OK) as script, Client(script.url) as silhouette:
        assert silhouette.segment(PICTURE).content == PICTURE
        with pytest.raises(ConnectionFailed):
            silhouette.segment(PICTURE)
    assert len(script.headers) == 5


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ((400, {}, b"<html>"), InputError, "bad_request"),
        ((401, {}, b'{"code": "missing_key"}'), AccessError, "missing_key"),
        ((403, {}, b"[]"), AccessError, "forbidden"),
        ((500, {}, b""), ServiceFault, "internal_server_error"),
        ((504, {}, b""), Late, "gateway_timeout"),
    ],
)
def test_what_would_not_help_is_not_asked_again(said: Said, kind: type[SilhouetteError], code: str) -> None:
    with scripted(said, OK) as script, Client(script.url) as silhouette:
        with pytest.raises(kind) as failed:
            silhouette.segment(PICTURE)
        assert (type(failed.value), failed.value.code, failed.value.status) == (kind, code, said[0])
    assert len(script.headers) == 1


@pytest.mark.parametrize("retry_after", ["30", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_nobody_waits_for_what_comes_too_late(retry_after: str) -> None:
    later = busy(**{"Retry-After": retry_after})
    with scripted(later, OK) as script, Client(script.url, timeout_s=5) as silhouette, pytest.raises(Busy) as refused:
        silhouette.segment(PICTURE)
    assert (refused.value.code, refused.value.detail, refused.value.request_id) == ("queue_full", "full", "some-id")
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s >= 30


def test_a_batch_yields_each_result_under_its_name_and_errors_in_their_place(url: str) -> None:
    pictures: dict[str, Any] = {f"{number}.png": PICTURE for number in range(8)} | {"bad": b"no picture"}
    with Client(url) as silhouette:
        results = dict(silhouette.batch("remove-background", pictures, concurrency=8, output="matte"))
    assert set(results) == set(pictures)
    bad = results.pop("bad")
    assert isinstance(bad, InputError)
    assert all(isinstance(result, Result) for result in results.values())


def test_a_file_beside_the_pictures_of_a_batch_is_there_for_each(url: str) -> None:
    with Client(url) as silhouette:
        beach = io.BytesIO(encoded(plain(BLUE)))
        results = [result for _, result in silhouette.batch("replace-background", [PICTURE] * 2, background=beach)]
    assert all(isinstance(result, Result) for result in results)


def test_pictures_of_a_batch_are_taken_as_they_are_needed(url: str) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield PICTURE

    with Client(url) as silhouette:
        batch = silhouette.batch("color-pop", endless(), concurrency=2)
        names = {next(batch)[0] for _ in range(3)}
        batch.close()  # type: ignore[attr-defined]
    assert names <= {str(number) for number in range(taken)}
    assert taken <= 3 + 2


def test_a_film_is_sent_followed_and_saved(url: str, film: Path, tmp_path: Path) -> None:
    with Client(url) as silhouette:
        sent = silhouette.send_video(film, effect="replace-background", color="lime", speed="fastest")
        assert (sent.done, sent.is_over) == (0, False)
        made = silhouette.wait(sent, poll_s=0.05)
        assert (made.state, made.done, made.total) == ("done", 4, 4)
        silhouette.save_result(made, tmp_path / "lime.mp4")
        assert read_pictures(tmp_path / "lime.mp4")[0][4, 4].tolist() == pytest.approx([0, 255, 0], abs=12)
        assert silhouette.cancel(made).id == sent.id


def test_a_film_that_was_cancelled_has_no_result_and_what_is_none_is_refused(
    url: str, film: Path, tmp_path: Path
) -> None:
    matte = encoded(plain((255, 255, 255)))
    with Client(url) as silhouette:
        with film.open("rb") as opened:
            cancelled = silhouette.cancel(silhouette.send_video(opened, matte=matte).id)
        with pytest.raises(JobFailed, match="cancelled"):
            silhouette.save_result(silhouette.wait(cancelled), tmp_path / "none.webm")
        with pytest.raises(InputError):
            silhouette.send_video(b"no film at all")
        with pytest.raises(InputError):
            silhouette.job("none")
    assert list(tmp_path.iterdir()) == []


NO_RESULT: Said = (
    404,
    {"Content-Type": "application/problem+json"},
    b'{"code": "unknown_job", "detail": "its result was kept for a day"}',
)

DONE = Job({"id": "7", "state": "done"})


def test_a_result_that_is_gone_leaves_the_file_of_before(tmp_path: Path) -> None:
    film = tmp_path / "film.webm"
    film.write_bytes(b"of before")
    with (
        scripted(NO_RESULT) as server,
        Client(server.url) as silhouette,
        pytest.raises(InputError, match="unknown_job"),
    ):
        silhouette.save_result(DONE, film)
    assert film.read_bytes() == b"of before"


def test_a_result_that_is_cut_off_leaves_the_file_of_before_and_nothing_beside_it(tmp_path: Path) -> None:
    film = tmp_path / "film.webm"
    film.write_bytes(b"of before")
    cut_off: Said = (200, {"Content-Length": "1000"}, b"not all of it")
    with scripted(cut_off) as server, Client(server.url) as silhouette, pytest.raises(ConnectionFailed):
        silhouette.save_result(DONE, film)
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(film, b"of before")]
