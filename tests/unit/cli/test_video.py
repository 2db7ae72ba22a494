"""`silhouette video`: which films, where to, what is refused in time, and what is left when it is cut short."""

import contextlib
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.main import parser
from service.cli.video.plan import Plan, make_plan
from service.cli.video.run import work_off
from service.configuration_errors import ConfigurationError
from tests.clips import read_alpha, red_square, write_clip
from tests.fakes import make_store, tiny_families
from tests.system.loading import until

PATIENCE_S = 180


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """one.mp4, two.mkv and a text."""
    folder = tmp_path / "films"
    folder.mkdir()
    write_clip(folder / "one.mp4", red_square(5), options={"b": "2M"})
    write_clip(folder / "two.mkv", red_square(5), codec="ffv1")
    (folder / "notes.txt").write_text("no film")
    return folder


def plan_of(*arguments: str | Path) -> Plan:
    return make_plan(parser().parse_args(["video", *map(str, arguments)]))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of this process: one worker with a tiny model."""
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(make_store(tmp_path / "store")))
    for name, value in {"MODELS": "tiny-subject", "DEVICE": "cpu", "WORKERS": "1"}.items():
        monkeypatch.setenv(f"SILHOUETTE_{name}", value)


def test_results_lie_beside_their_films_and_are_called_after_the_effect(films: Path) -> None:
    targets = [film.result.name for film in plan_of(films, "--effect", "blur-background").films]
    assert targets == ["one-blur-background.mp4", "two-blur-background.mp4"]


def test_the_suffix_of_out_chooses_the_format(films: Path, tmp_path: Path) -> None:
    plan = plan_of(films / "one.mp4", "--out", tmp_path / "cut.mov")
    assert (plan.choice.format.name, plan.films[0].result) == ("mov", tmp_path / "cut.mov")


def test_several_films_go_into_a_folder(films: Path, tmp_path: Path) -> None:
    plan = plan_of(films, "--out", f"{tmp_path}/cut/")
    assert [film.result for film in plan.films] == [tmp_path / "cut" / "one.webm", tmp_path / "cut" / "two.webm"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["one.mp4", "--out", "x.avi"], "films end in .webm, .mov"),
        (["one.mp4", "two.mkv", "--out", "x.webm"], "several films need a folder"),
        (["one.mp4", "--format", "mov", "--out", "x.webm"], "leave one of them out"),
        (["one.mp4", "--format", "mp4"], "mp4 has no room for transparency"),
        (["none.mp4"], "no such file"),
        (["one.mp4", "--effect", "color-pop", "--background", "none.jpg"], "none.jpg"),
        (["one.mp4", "--color", "red"], "there is no option 'color'"),
    ],
)
def test_what_is_wrong_is_told_before_a_film_is_opened(
    films: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(films)
    with pytest.raises(ConfigurationError, match=told):
        plan_of(*arguments)


def test_a_film_is_not_overwritten_by_its_own_result(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(films)
    with pytest.raises(ConfigurationError, match="would be overwritten"):
        plan_of("one.mp4", "--effect", "color-pop", "--out", "one.mp4")


@pytest.mark.usefixtures("tiny")
def test_films_are_done_one_after_the_other_and_what_is_no_film_costs_one_line(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (films / "bad.mp4").write_bytes(b"no film at all" * 50)
    assert work_off(plan_of(films, "--out", f"{tmp_path}/cut/", "--speed", "fastest"), tiny_families) == 1
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["one.webm", "two.webm"]
    assert len(read_alpha(tmp_path / "cut" / "one.webm")) == 5
    told = capsys.readouterr().err
    assert "bad.mp4: it is no film" in told
    assert not list(films.glob(".*"))
    assert "2 of 3 films done" in told


FRAMES = (200, 800, 3200)
"""Where all of them are done before Ctrl-C arrives, that says nothing, and more are tried."""


def size_of(file: Path) -> int:
    """0 of one that is not there."""
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


@pytest.mark.usefixtures("tiny")
def test_ctrl_c_leaves_no_half_film_and_resume_goes_on(films: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.webm"
    mattes = cut.with_name(f".{cut.name}.silhouette-mattes")
    for frames in FRAMES:
        cut.unlink(missing_ok=True)
        long = write_clip(films / "long.mkv", red_square(frames, step_px=0), codec="ffv1")
        command = [sys.executable, "-m", "tests.unit.cli.tiny_video", str(long), "--out", str(cut)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
            try:
                until(lambda: running.poll() is not None or size_of(mattes) > 1000, "mattes")
                running.send_signal(signal.SIGINT)
                _, told = running.communicate(timeout=PATIENCE_S)
            finally:
                running.kill()
        if running.returncode != 0:
            break
    assert running.returncode == 130, told
    assert "run again with --resume" in told
    assert not cut.exists()
    assert [path.name for path in tmp_path.glob(".cut*")] == [mattes.name]
    assert work_off(plan_of(long, "--out", cut, "--resume", "--speed", "fastest"), tiny_families) == 0
    assert len(read_alpha(cut)) == frames
    assert list(tmp_path.glob(".cut*")) == []


DOCUMENTED = [
    line.partition("#")[0].split()[1:] if "'#" not in line else shlex.split(line)[1:]
    for line in (Path(__file__).parents[3] / "docs" / "video.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("silhouette video talk.mp4")
]


@pytest.mark.parametrize("command", DOCUMENTED, ids=" ".join)
def test_every_command_of_the_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.mp4").write_bytes(b"film")
    for picture in ("beach.jpg", "matte.png"):
        (tmp_path / picture).write_bytes(b"picture")
    (film,) = make_plan(parser().parse_args(command)).films
    assert film.result.suffix[1:] in command[-1] + "webm mp4"
