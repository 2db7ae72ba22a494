"""The Batch tab in a real browser."""

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Route

from tests.browser.chromium import DROP, Studio, new_studio
from tests.browser.test_brush import FACE, stroke
from tests.fakes import make_store
from tests.pictures import encoded, opened, painted
from tests.system.loading import tiny_server
from tests.system.serving import Server


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def five_with_one_corrupt(photo: bytes) -> list[FilePayload]:
    names = ("astronaut.jpg", "corrupt.jpg", "person.jpg", "astronaut.jpg", "last.jpg")
    return [file(name, photo[: len(photo) // 2] if name == "corrupt.jpg" else photo) for name in names]


def add_and_start(studio: Studio, files: list[FilePayload]) -> None:
    studio.page.set_input_files("#batch-files", files)
    studio.page.click("#batch-start")


def states(studio: Studio) -> list[str]:
    found: list[str] = studio.page.eval_on_selector_all(".batch-item", "items => items.map(item => item.dataset.state)")
    return found


def wait_for(studio: Studio, happened: Callable[[], bool]) -> None:
    while not happened():
        studio.page.wait_for_timeout(10)


def downloaded_zip(studio: Studio) -> zipfile.ZipFile:
    with studio.page.expect_download() as download:
        studio.page.click("#batch-zip")
    return zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))


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


def choose(studio: Studio, path: str) -> None:
    studio.choose_operation(path, "batch")


def asked(studio: Studio) -> list[str]:
    """Grows by the path of each picture that is sent from here on."""
    paths: list[str] = []
    studio.page.on("request", lambda sent: paths.extend([urlsplit(sent.url).path] * (sent.method == "POST")))
    return paths


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
    held: list[Route] = []
    studio.page.route("**/remove-background", lambda route: held.append(route))
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
    held: list[Route] = []
    studio.page.route("**/remove-background", lambda route: held.append(route))
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


def test_a_result_is_looked_at_beside_its_picture_and_gone_on_with_by_hand(
    studio: Studio, astronaut: bytes, cat: bytes
) -> None:
    studio.open("batch")
    studio.page.set_input_files("#batch-files", [file("astronaut.jpg", astronaut), file("cat.jpg", cat)])
    choose(studio, "/color-pop")
    studio.page.click("#batch-start")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    studio.page.click(".opener >> nth=0")
    shown = studio.page.locator("#batch-preview")
    assert shown.locator("h2").inner_text() == "astronaut.jpg"
    width = "#batch-preview img"
    studio.page.wait_for_function(f"() => document.querySelector('{width}').naturalWidth === 512")
    studio.page.keyboard.press("ArrowRight")
    assert shown.locator("h2").inner_text() == "cat.jpg"
    studio.page.click("#batch-preview .preview-bar >> text=Before")
    assert shown.locator("img").get_attribute("alt") == "The picture as it was"
    studio.page.wait_for_function(f"() => document.querySelector('{width}').naturalWidth === 451")
    studio.page.click("#batch-preview .preview-bar >> text=Correct it")
    studio.page.wait_for_selector("#photo:not([hidden])")
    assert studio.page.is_checked("#photo-choices .tiles input[value='/color-pop']")
    studio.wait_for_result()
    assert studio.page.is_visible("#photo-canvas")


def result_of(studio: Studio, number: int) -> Image.Image:
    """What can be saved at this place of the list."""
    with studio.page.expect_download() as download:
        studio.page.click(f".batch-item >> nth={number} >> text=Save")
    return opened(Path(download.value.path()).read_bytes())


def corner(picture: Image.Image) -> list[int]:
    """RGBA."""
    found: list[int] = np.asarray(picture.convert("RGBA"))[3, 3].tolist()
    return found


def test_one_picture_has_choices_of_its_own_and_the_others_keep_those_of_all(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    studio.page.set_input_files("#batch-files", [file("own.jpg", astronaut), file("other.jpg", astronaut)])
    studio.page.click(".opener >> nth=0")
    studio.page.check("#batch-preview .preview-own input")
    studio.page.check("#batch-preview .tiles input[value='/replace-background']")
    studio.page.check("#batch-preview .swatch [aria-label=Green]")
    paths = asked(studio)
    studio.page.click("#batch-preview .preview-bar >> text=Make it")
    studio.page.wait_for_selector("#batch-preview img[alt='The result']")
    assert paths == ["/replace-background"]
    studio.page.click("#batch-preview .preview-bar >> text=Close")
    assert states(studio) == ["done", "waiting"]
    studio.page.click("#batch-start")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert paths == ["/replace-background", "/remove-background"]
    choose(studio, "/color-pop")
    assert "1 result is of earlier choices" in studio.page.inner_text("#batch-changed")
    assert studio.page.locator(".remark").all_inner_texts() == ["Has choices of its own", "Made with earlier choices"]
    assert corner(result_of(studio, 0)) == [0x2F, 0x9E, 0x62, 255]
    assert corner(result_of(studio, 1))[3] == 0
    studio.page.click(".opener >> nth=1")
    assert not studio.page.is_checked("#batch-preview .preview-own input")
    studio.page.click("#batch-preview .preview-bar >> text=Previous")
    assert studio.page.is_checked("#batch-preview .tiles input[value='/replace-background']")
    studio.page.uncheck("#batch-preview .preview-own input")
    assert "2 results are of earlier choices" in studio.page.locator("#batch-changed").inner_text()


def test_what_was_corrected_by_hand_goes_back_to_its_place(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    choose(studio, "/replace-background")
    studio.page.check("#batch-choices .swatch [aria-label=Green]")
    add_and_start(studio, [file("astronaut.jpg", astronaut), file("other.jpg", astronaut)])
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    before = np.asarray(result_of(studio, 0).convert("RGB"))
    studio.page.click(".opener >> nth=0")
    studio.page.click("#batch-preview .preview-bar >> text=Correct it")
    studio.wait_for_result()
    assert studio.page.is_checked("#photo-choices .swatch [aria-label=Green]")
    stroke(studio, "erase", FACE, (FACE[0], FACE[1] + 0.05))
    studio.wait_until_settled()
    studio.page.click("#photo-return")
    studio.page.wait_for_selector("#batch:not([hidden])")
    assert "Corrected by hand" in studio.page.inner_text(".batch-item >> nth=0")
    after = np.asarray(result_of(studio, 0).convert("RGB"))
    changed = np.abs(after.astype(int) - before).max(axis=2) > 40
    y, x = (round(512 * share) for share in reversed(FACE))
    assert changed[y, x], "what was erased is green now"
    assert not changed[:40].any()
    choose(studio, "/color-pop")
    assert "1 result is of earlier choices" in studio.page.inner_text("#batch-changed"), (
        "no choice makes a hand's work old"
    )


def test_a_busy_service_is_asked_again_when_it_says_so(browser: Browser, tmp_path: Path) -> None:
    """One request at a time is allowed, and three are made."""
    large = encoded(painted().resize((1600, 960), Image.Resampling.NEAREST))
    pictures = [file(f"{number}.png", large) for number in range(4)]
    with tiny_server(make_store(tmp_path), SILHOUETTE_QUEUE_CAPACITY="1") as server:
        studio = new_studio(browser, server.url)
        studio.excuse_status(503)
        refused: list[str] = []
        studio.page.on("response", lambda response: refused.extend([response.url] * (response.status == 503)))
        add_and_start(studio.open("batch"), pictures)
        studio.page.wait_for_selector("#batch-zip:not([hidden])")
        assert states(studio) == ["done"] * len(pictures)
        assert refused, "the service was never busy"
        studio.page.close()
        studio.check()
