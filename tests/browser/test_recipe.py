"""The curl and the Python that the page shows, run as they stand, give what the page shows."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.browser.chromium import Studio
from tests.browser.test_brush import ROCKET, stroke
from tests.pictures import pixels

AWKWARD = "my cat; again.jpg"


def replaced_by_colour(studio: Studio) -> None:
    studio.choose_operation("/replace-background")


def replaced_by_a_picture(studio: Studio) -> None:
    studio.choose_operation("/replace-background")
    studio.page.set_input_files("#photo-choices .picture input", Path(studio.page.evaluate("window.folder")) / AWKWARD)


def blurred_as_jpeg(studio: Studio) -> None:
    studio.choose_operation("/blur-background")
    studio.page.fill("[data-option=strength] input", "0.6")
    studio.page.click("#photo-choices summary")
    studio.page.select_option("[data-option=format] select", "jpeg")
    studio.page.fill("[data-option=quality] input", "70")


def segmented(studio: Studio) -> None:
    studio.choose_operation("/segment")
    studio.page.select_option("[data-option=output] select", "overlay")


def corrected_by_hand(studio: Studio) -> None:
    studio.wait_until_settled()
    stroke(studio, "keep", ROCKET, (ROCKET[0], 0.4))
    with studio.page.expect_download() as masks:
        studio.page.click("#photo-masks")
    masks.value.save_as(Path(studio.page.evaluate("window.folder")) / masks.value.suggested_filename)


LOOKS: dict[str, Callable[[Studio], None]] = {
    "a colour": replaced_by_colour,
    "a picture": replaced_by_a_picture,
    "a blur as JPEG": blurred_as_jpeg,
    "an overlay": segmented,
    "a stroke": corrected_by_hand,
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_programs_give_what_is_on_screen(studio: Studio, files: Path, look: str) -> None:
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    studio.open().page.evaluate("(folder) => { window.folder = folder; }", str(files))
    studio.page.set_input_files("#photo-file", files / "astronaut.jpg")
    LOOKS[look](studio)
    studio.wait_for_result()
    with studio.page.expect_download() as download:
        studio.page.click("#photo-download")
    shown = pixels(Path(download.value.path()).read_bytes())
    made = files / download.value.suggested_filename
    for language, run in RUNNERS.items():
        studio.page.check(f"#photo-recipe input[value={language}]")
        run(studio.page.inner_text("#photo-recipe code"), files)
        assert np.array_equal(pixels(made.read_bytes()), shown), (language, made.name)
        made.unlink()


def run_curl(command: str, folder: Path) -> None:
    subprocess.run(["bash", "-c", f"{command} --silent --fail"], cwd=folder, check=True, timeout=180)


def run_python(program: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, timeout=180)


RUNNERS: dict[str, Callable[[str, Path], None]] = {"curl": run_curl, "Python": run_python}
