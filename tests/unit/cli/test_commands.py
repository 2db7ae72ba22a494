"""The `silhouette` command, as a shell runs it. Work on photos needs the real selfie model; it is skipped without."""

import contextlib
import io
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.fakes import make_store
from tests.system.loading import until
from tests.unit.cli.commands import TIMEOUT_S, Command, is_one_line_about, silhouette
from tests.weights import pulled_weights

MANY = (60, 240, 960)
"""Photos. Where all of them are done before Ctrl-C arrives, that says nothing, and more are tried."""


@contextlib.contextmanager
def killed_at_the_end(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Where a test fails, it is still there."""
    try:
        yield
    finally:
        process.kill()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real photos of people: in colour, and in grey."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(data.astronaut()).save(folder / "astronaut.jpg", quality=95)
    Image.fromarray(data.camera()).save(folder / "cameraman.png")
    (folder / "notes.txt").write_text("not a photo")
    return folder


@pytest.fixture(scope="module")
def selfie() -> str:
    """A model that is quick."""
    pulled_weights("selfie")
    return "selfie"


# --- photos -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cut_out(photos: Path, selfie: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `photos` with all options as they are by themselves."""
    out = tmp_path_factory.mktemp("cut") / "new" / "out"
    done = silhouette("remove-background", photos, "--out", out, "--model", selfie, workers="2")
    assert done.returncode == 0, done.stderr
    assert "2 of 2" in done.stderr
    return out


def test_photos_of_a_folder_are_cut_out(cut_out: Path) -> None:
    assert sorted(path.name for path in cut_out.iterdir()) == ["astronaut.png", "cameraman.png"]
    cutout = np.asarray(Image.open(cut_out / "astronaut.png"))
    assert cutout.shape == (512, 512, 4)
    assert cutout[90:140, 205:240, 3].min() > 200  # the astronaut's face
    assert cutout[60:120, 420:480, 3].max() < 60  # the shuttle behind her


def test_what_is_on_by_itself_can_be_turned_off(
    in_process: Command, photos: Path, selfie: str, cut_out: Path, tmp_path: Path
) -> None:
    def colors(*flags: str) -> bytes:
        arguments: list[str | Path] = [photos / "astronaut.jpg", "--out", tmp_path, "--model", selfie, *flags]
        done = in_process("remove-background", *arguments, workers="1")
        assert done.returncode == 0, done.stderr
        return Image.open(tmp_path / "astronaut.png").tobytes()

    by_itself = Image.open(cut_out / "astronaut.png").tobytes()
    assert colors("--decontaminate") == by_itself
    assert colors("--no-decontaminate") != by_itself


def test_one_bad_photo_is_told_and_stops_nothing_else(
    in_process: Command, photos: Path, selfie: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes((photos / "astronaut.jpg").read_bytes()[:5000])
    arguments = (photos / "astronaut.jpg", tmp_path / "broken.jpg", "--out", tmp_path / "out", "--model", selfie)
    done = in_process("replace-background", *arguments, "--color", "#1e90ff", "--format", "jpeg", workers="1")
    assert done.returncode == 1
    assert "broken.jpg: " in done.stderr
    assert "1 of 2" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["astronaut.jpg"]
    replaced = np.asarray(Image.open(tmp_path / "out" / "astronaut.jpg").convert("RGB"), int)
    assert abs(replaced[60:120, 420:480] - (0x1E, 0x90, 0xFF)).max() < 40


@pytest.mark.usefixtures("selfie")
def test_a_pipe_carries_the_cutout_and_nothing_else(photos: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "remove-background", "-", "--model", "selfie"]
    photo = (photos / "astronaut.jpg").read_bytes()
    done = subprocess.run(command, input=photo, capture_output=True, timeout=TIMEOUT_S, check=True)
    cutout = Image.open(io.BytesIO(done.stdout))
    assert (cutout.format, cutout.mode, cutout.size) == ("PNG", "RGBA", (512, 512))
    assert done.stdout.endswith(b"IEND\xaeB`\x82")
    assert done.stderr.splitlines()[0] == b"loading selfie"


@pytest.mark.usefixtures("selfie")
def test_ctrl_c_says_how_many_are_done_and_a_second_run_does_the_others(in_process: Command, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    arguments = ["remove-background", str(photos), "--out", str(out), "--model", "selfie", "--skip-existing"]
    command = [sys.executable, "-m", "service.cli", *arguments]
    for many in MANY:
        for number in range(many):
            Image.fromarray(data.astronaut()).resize((64, 64)).save(photos / f"{number}.jpg")
        shutil.rmtree(out, ignore_errors=True)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running, killed_at_the_end(running):
            until(lambda: out.exists() or running.poll() is not None, "the folder of the results")
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=TIMEOUT_S)
        if running.returncode != 0:
            break
    finished = len(list(out.iterdir()))
    assert running.returncode == 130, said
    assert said.splitlines()[-1] == f"{finished} of {many} done, run again with --skip-existing"
    assert not list(out.glob(".*"))
    again = in_process(*arguments, workers="1")
    assert again.returncode == 0, again.stderr
    assert f"{many} of {many} photos done, in {out}; {finished} were there already" in again.stderr
    assert len(list(out.iterdir())) == many


# --- wrong commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["remove-background", "absent.jpg"], "absent.jpg"),
        (["remove-background", "{photo}", "--quality", "good"], "quality"),
        (["remove-background", "{photo}", "--json", "absent/report.json"], "absent/report.json"),
        (["remove-background", "{photo}", "--margin", "wide"], "margin"),
        (["remove-background", "{photo}", "--model", "absent"], "absent"),
        (["remove-background", "{photo}", "--model", "best"], "needs a model of many classes"),
        (["segment", "{photo}", "--model", "best"], "loaded are tiny-subject"),
        (
            ["replace-background", "{photo}", "--color", "whiteish"],
            "color: not a colour: use hex with 3, 4, 6 or 8 digits, a CSS name, or transparent",
        ),
        (["replace-background", "{photo}"], "--background"),
        (["replace-background", "{photo}", "--color", "red", "--background", "{photo}"], "--background"),
        (["replace-background", "{photo}", "--background", "absent.png"], "absent.png"),
        (["remove-background", "{photo}", "--format", "jpeg"], "jpeg"),
        (["segment", "{photo}", "--output", "masks", "--format", "webp"], "webp"),
        (["blur-background", "{photo}", "--strength", "2"], "strength"),
    ],
)
def test_a_wrong_command_on_photos_exits_with_2_and_one_line(
    in_process: Command, photos: Path, store: Path, tmp_path: Path, arguments: list[str], word: str
) -> None:
    filled = [argument.format(photo=photos / "astronaut.jpg") for argument in arguments]
    done = in_process(*filled, "--out", tmp_path / "out", model_store=store, models="tiny-subject")
    assert done.returncode == 2, done.stderr
    assert is_one_line_about(done, word), done.stderr
    assert not list((tmp_path / "out").glob("*"))


def test_a_result_named_like_a_photo_is_answered_with_the_flag_for_it(
    in_process: Command, photos: Path, tmp_path: Path
) -> None:
    done = in_process("remove-background", photos / "astronaut.jpg", tmp_path / "cut.png")
    assert done.returncode == 2
    assert is_one_line_about(done, f"say --out {tmp_path / 'cut.png'}"), done.stderr


def test_a_photo_is_not_overwritten_by_its_result(in_process: Command, tmp_path: Path) -> None:
    photo = tmp_path / "cat.png"
    Image.fromarray(data.chelsea()).save(photo)
    before = photo.read_bytes()
    done = in_process("remove-background", photo, "--out", photo)
    assert done.returncode == 2
    assert is_one_line_about(done, "would be overwritten"), done.stderr
    assert photo.read_bytes() == before


def test_a_label_map_is_not_asked_of_two_models_together(
    in_process: Command, photos: Path, store: Path, tmp_path: Path
) -> None:
    done = in_process(
        "segment", photos, "--out", tmp_path, "--model", "best", model_store=store, models="tiny-subject,tiny-classes"
    )
    assert done.returncode == 2
    assert is_one_line_about(done, "here take tiny-subject or tiny-classes"), done.stderr


def test_a_choice_that_does_not_exist_is_answered_with_those_that_do(
    in_process: Command, photos: Path, tmp_path: Path
) -> None:
    done = in_process("segment", photos, "--out", tmp_path, "--output", "labelz")
    assert done.returncode == 2
    assert "labels" in done.stderr
    assert "Traceback" not in done.stderr


def test_weights_that_are_not_there_stop_the_command_with_its_mend(
    in_process: Command, photos: Path, store: Path, tmp_path: Path
) -> None:
    moved = make_store(tmp_path / "store")
    (moved / "tiny-subject" / "model.safetensors").unlink()
    done = in_process("remove-background", photos, "--out", tmp_path, model_store=moved, models="tiny-subject")
    assert done.returncode == 2
    assert "run `silhouette models pull tiny-subject`" in done.stderr.splitlines()[-1]


def test_a_typing_error_in_the_name_of_a_setting_is_told(in_process: Command) -> None:
    done = in_process("models", "show", "absent", precison="int8")
    told, refused = done.stderr.splitlines()
    assert told == "silhouette: there is no setting SILHOUETTE_PRECISON; did you mean SILHOUETTE_PRECISION?"
    assert "absent" in refused
