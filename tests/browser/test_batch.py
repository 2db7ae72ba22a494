"""The Batch tab in a real browser."""

import base64
from http import HTTPStatus
from pathlib import Path

from playwright.sync_api import Browser, FilePayload

from tests.browser.batch import add_and_start, asked, choose, downloaded_zip, file, states, wait_for
from tests.browser.chromium import DROP, Studio, new_studio
from tests.fakes import make_store
from tests.pictures import encoded, opened, painted
from tests.system.loading import PATIENT, busy_worker, tiny_server
from tests.system.serving import Server


def five_with_one_corrupt(photo: bytes) -> list[FilePayload]:
    names = ("astronaut.jpg", "corrupt.jpg", "person.jpg", "astronaut.jpg", "last.jpg")
    return [file(name, photo[: len(photo) // 2] if name == "corrupt.jpg" else photo) for name in names]


def test_a_corrupt_picture_says_so_and_the_others_come_as_a_zip(studio: Studio, astronaut: bytes) -> None:
    studio.excuse_status(422)
    studio.open("batch")
    studio.page.check("#batch-choices .tiles input[value='/blur-background']")
    add_and_start(studio, five_with_one_corrupt(astronaut))
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert states(studio) == ["done", "failed", "done", "done", "done"]
    assert "ends too early" in studio.page.inner_text(".batch-item[data-state=failed] .state")
    assert studio.page.inner_text("#batch-summary") == "4 of 5 done, 1 failed"
    with downloaded_zip(studio) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["astronaut.png", "person.png", "astronaut-2.png", "last.png"]
        assert all(opened(archive.read(name)).size == (512, 512) for name in archive.namelist())


def test_other_choices_keep_the_results_until_somebody_wants_others(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    add_and_start(studio, [file("astronaut.jpg", astronaut), file("again.jpg", astronaut)])
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert studio.page.is_hidden("#batch-changed")
    choose(studio, "/color-pop")
    assert states(studio) == ["done", "done"]
    assert "2 results are of earlier choices" in studio.page.inner_text("#batch-changed")
    assert studio.page.locator(".earlier:visible").count() == 2
    with downloaded_zip(studio) as archive:
        assert len(archive.namelist()) == 2
    choose(studio, "/remove-background")
    assert studio.page.is_hidden("#batch-changed")
    choose(studio, "/color-pop")
    paths = asked(studio)
    studio.page.click("#batch-again")
    studio.page.wait_for_selector("#batch-changed", state="hidden")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert states(studio) == ["done", "done"]
    assert paths == ["/color-pop"] * 2


def test_what_is_chosen_during_a_run_is_told_and_does_not_mix_with_it(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    held = studio.hold("**/remove-background")
    paths = asked(studio)
    add_and_start(studio, [file(f"{number}.jpg", astronaut) for number in range(4)])
    wait_for(studio, lambda: len(held) == 3)
    choose(studio, "/color-pop")
    assert "goes on as it began" in studio.page.inner_text("#batch-changed")
    studio.page.unroute("**/remove-background")  # which lets those go that are held
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert paths == ["/remove-background"] * 4
    assert "4 results are of earlier choices" in studio.page.inner_text("#batch-changed")


def test_a_run_starts_over_with_what_was_chosen_meanwhile(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    held = studio.hold("**/remove-background")
    add_and_start(studio, [file(f"{number}.jpg", astronaut) for number in range(2)])
    wait_for(studio, lambda: len(held) == 2)
    choose(studio, "/color-pop")
    paths = asked(studio)
    studio.page.click("#batch-again")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert states(studio) == ["done", "done"]
    assert paths == ["/color-pop"] * 2
    assert studio.page.is_hidden("#batch-changed")


def test_what_failed_is_tried_again_as_it_was_asked_for(studio: Studio, astronaut: bytes) -> None:
    studio.excuse_status(500)
    studio.open("batch")
    studio.page.route("**/remove-background", lambda route: route.fulfill(status=500), times=1)
    add_and_start(studio, [file("astronaut.jpg", astronaut)])
    studio.page.wait_for_selector("#batch-retry:not([hidden])")
    choose(studio, "/color-pop")
    paths = asked(studio)
    studio.page.click("#batch-retry")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert paths == ["/remove-background"]


def test_all_of_the_page_takes_drops_and_only_in_batch(studio: Studio, astronaut: bytes) -> None:
    content = base64.b64encode(astronaut).decode()
    studio.open("batch")
    for target in ("#batch-choices", "body"):
        studio.page.evaluate(DROP, [target, "drop", content, "astronaut.jpg", "image/jpeg"])
    studio.page.wait_for_selector(".batch-item >> nth=1")
    assert states(studio) == ["waiting"] * 2
    studio.page.click("#tab-service")
    studio.page.evaluate(DROP, ["#service", "drop", content, "astronaut.jpg", "image/jpeg"])
    studio.page.click("#tab-batch")
    assert len(states(studio)) == 2


def test_a_finger_is_not_told_to_drop(server: Server, browser: Browser) -> None:
    phone = new_studio(browser, server.url, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    phone.open("batch")
    shown = phone.page.inner_text("#batch-drop")
    assert "Choose pictures" in shown
    assert "Drop" not in shown
    assert phone.page.is_hidden(".folder")
    phone.page.close()
    phone.check()


def folder_of_three(tmp_path: Path, photo: bytes) -> Path:
    """Two pictures, one of them further down, and what else lies in folders."""
    folder = tmp_path / "holiday"
    (folder / "more").mkdir(parents=True)
    (folder / "b.jpg").write_bytes(photo)
    (folder / "more" / "c.jpg").write_bytes(photo)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.jpg").write_bytes(photo)
    return folder


def names(studio: Studio) -> list[str]:
    return studio.page.locator(".batch-item .name").all_inner_texts()


def test_a_folder_is_chosen_or_dropped_with_all_pictures_below_it(
    studio: Studio, astronaut: bytes, tmp_path: Path
) -> None:
    folder = folder_of_three(tmp_path, astronaut)
    studio.open("batch").page.set_input_files("#batch-folder", folder)
    studio.page.wait_for_selector(".batch-item >> nth=1")
    assert sorted(names(studio)) == ["b.jpg", "c.jpg"]
    studio.page.click("#batch-clear")
    # As the browser itself drops it: a page cannot make up a folder.
    browser = studio.page.context.new_cdp_session(studio.page)
    dropped = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 500, "data": dropped})
    studio.page.wait_for_selector(".batch-item >> nth=1")
    assert names(studio) == ["b.jpg", "c.jpg"]


def test_a_busy_service_is_asked_again_when_it_says_so(browser: Browser, tmp_path: Path) -> None:
    """One request at a time is allowed, and somebody else's is there until the first one of these was refused."""
    pictures = [file(f"{number}.png", encoded(painted())) for number in range(2)]
    with tiny_server(make_store(tmp_path), SILHOUETTE_QUEUE_CAPACITY="1", **PATIENT) as server:
        studio = new_studio(browser, server.url).open("batch")
        studio.excuse_status(503)
        with busy_worker(server, encoded(painted())) as ahead:
            with studio.page.expect_response(lambda answer: answer.status == HTTPStatus.SERVICE_UNAVAILABLE):
                add_and_start(studio, pictures)
            studio.page.wait_for_selector(".batch-item[data-state=held]")
        assert ahead.answer().code == "ok"
        studio.page.wait_for_selector("#batch-zip:not([hidden])")
        assert states(studio) == ["done"] * len(pictures)
        studio.page.close()
        studio.check()
