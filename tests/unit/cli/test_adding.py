"""`silhouette models add` on small networks: what it finds out, what it asks, what it leaves when it fails."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.cli import main
from service.cli.models.example import SAMPLE
from service.models.store import ModelCard, ModelStore
from service.settings import read_settings
from service.workers.plan import built_in_families
from tests.clients import ready_client
from tests.fakes import SUBJECT_WEIGHTS, make_store
from tests.networks import Colored, Convolved, Labelled, ManyOutputs, export
from tests.pictures import encoded, opened, painted, pixels

Add = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with the tiny models; the working folder is beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path / "store"))
    return make_store(tmp_path / "store")


@pytest.fixture
def add(store: Path, capsys: pytest.CaptureFixture[str]) -> Add:
    """Returns what it said; `status` is what it must end with."""

    def run(file: Path | str, *options: str, name: str = "mine", status: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            main(["models", "add", str(file), "--name", name, *options])
        said = capsys.readouterr().err
        assert left.value.code == status, said
        return said

    return run


def card(store: Path, name: str = "mine") -> ModelCard:
    return ModelStore(store).card(name)


def test_a_network_of_one_class_needs_no_names(add: Add, store: Path, tmp_path: Path) -> None:
    file = export(Convolved(1, nn.Sigmoid()), tmp_path / "net.onnx", 32, 48)
    said = add(file, "--mean", "0.5", "0.5", "0.5", "--std", "0.5", "0.5", "0.5")
    mine = card(store)
    assert (mine.input.width, mine.input.height, mine.output.head, mine.output.meaning) == (
        48,
        32,
        "sigmoid",
        "probabilities",
    )
    assert ModelStore(store).verify(mine).read_bytes() == file.read_bytes()
    assert "sees 48x32" in said
    assert "object" in said
    assert " ms a picture" in said


def test_a_preview_shows_the_photo_and_the_classes(add: Add, tmp_path: Path) -> None:
    add(export(Convolved(1), tmp_path / "net.onnx", 32, 32), "--like", "u2net", "--preview", "seen.png")
    seen, photo = opened((tmp_path / "seen.png").read_bytes()), opened(SAMPLE.read_bytes())
    assert seen.size == (2 * photo.width, photo.height)


def test_classes_are_read_from_a_file(add: Add, store: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("wall\nsky\ntree\n")
    add(export(Convolved(3), tmp_path / "net.onnx", 32, 32), "--like", "segformer", "--labels", "labels.txt")
    mine = card(store)
    assert [entry.name for entry in mine.class_table] == ["background", "wall", "sky", "tree"]
    assert not mine.output.has_background
    assert mine.output.meaning == "logits"


def test_a_map_of_labels_is_seen_as_one(add: Add, store: Path, tmp_path: Path) -> None:
    file = export(Labelled(3), tmp_path / "net.onnx", 32, 32)
    add(file, "--like", "deeplab", "--classes", "background,cat,dog")
    assert (card(store).output.head, card(store).output.meaning) == ("softmax", "labels")


def test_of_many_outputs_the_first_of_the_largest_maps_is_meant(add: Add, store: Path, tmp_path: Path) -> None:
    names = ("pooled", "small", "out", "aux")
    file = export(ManyOutputs(2), tmp_path / "net.onnx", 32, 32, outputs=names)
    add(file, "--like", "deeplab", "--classes", "background,cat")
    assert card(store).output.name == "out"
    add(file, "--like", "deeplab", "--classes", "background,cat", "--output", "small", "--replace")
    assert (card(store).output.name, card(store).output.width) == ("small", 16)


def test_a_graph_that_takes_bytes_with_colours_last_is_asked_nothing_about_pixels(
    add: Add, store: Path, tmp_path: Path
) -> None:
    example = torch.zeros(1, 32, 40, 3, dtype=torch.uint8)
    file = export(Colored(), tmp_path / "net.onnx", 32, 40, example=example)
    add(file, "--classes", "background,red")
    mine = card(store)
    assert (mine.input.layout, mine.input.scale, mine.output.layout) == ("nhwc", "byte", "nhwc")
    assert (mine.input.width, mine.input.height, mine.output.meaning) == (40, 32, "probabilities")


def test_an_open_size_is_the_familys_or_told(add: Add, store: Path, tmp_path: Path) -> None:
    file = export(Convolved(1), tmp_path / "net.onnx", 32, 32, open_sizes=True)
    add(file, "--like", "u2net")
    assert card(store).input.width == 320
    add(file, "--like", "u2net", "--size", "64x96", "--replace")
    assert (card(store).input.width, card(store).input.height) == (64, 96)
    assert (card(store).output.width, card(store).output.height) == (64, 96)


@pytest.mark.parametrize(
    ("channels", "options", "wanted"),
    [
        (1, [], "--like, or --mean and --std"),
        (1, ["--mean", "0", "0", "0"], "--size"),
        (4, ["--like", "u2net"], "--classes a,b,c or --labels FILE"),
    ],
)
def test_what_a_file_cannot_say_is_an_option_where_nobody_can_be_asked(
    add: Add, store: Path, tmp_path: Path, channels: int, options: list[str], wanted: str
) -> None:
    said = add(export(Convolved(channels), tmp_path / "net.onnx", 32, 32, open_sizes=True), *options, status=2)
    assert wanted in said
    assert len(said.strip().splitlines()) == 1
    assert sorted(path.name for path in store.iterdir()) == ["tiny-classes", "tiny-subject"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--like", "u2net", "--size", "48"], "which is not 48x48"),
        (["--like", "u2net", "--size", "wide"], "is no size"),
        (["--like", "u2net", "--output", "other"], "no output is called 'other'; there are output"),
        (["--like", "u2net", "--classes", "a,b"], "2 names are given"),
        (["--like", "u2net", "--photo", "missing.jpg"], "missing.jpg"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    add: Add, store: Path, tmp_path: Path, options: list[str], reason: str
) -> None:
    said = add(export(Convolved(1), tmp_path / "net.onnx", 32, 32), *options, status=2)
    assert reason in said
    assert len(said.strip().splitlines()) == 1
    assert not (store / "mine").exists()


@pytest.mark.parametrize(
    ("name", "reason"), [("tiny-subject", "is there already"), ("../mine", "no name of a model"), ("Mine", "no name")]
)
def test_a_name_that_cannot_be_is_refused(add: Add, tmp_path: Path, name: str, reason: str) -> None:
    file = export(Convolved(1), tmp_path / "net.onnx", 32, 32)
    assert reason in add(file, "--like", "u2net", name=name, status=2)


@pytest.mark.parametrize("source", ["missing.onnx", "http://127.0.0.1:9/net.onnx", "https://127.0.0.1:9/net.onnx"])
def test_a_file_that_cannot_be_had_is_told(add: Add, store: Path, source: str) -> None:
    said = add(source, "--like", "u2net", status=2)
    assert source in said
    assert not (store / "mine").exists()


def test_a_network_of_open_sides_sees_pictures_as_they_lie(add: Add, store: Path, tmp_path: Path) -> None:
    file = export(Convolved(1, nn.Sigmoid()), tmp_path / "net.onnx", 32, 32, open_sizes=True)
    said = add(file, "--like", "modnet", "--size", "64")
    mine = card(store).input
    assert (mine.resize, mine.multiple, mine.longest, mine.keeps_between) == ("shorter", 32, 128, True)
    assert "sees 64x64, or longer one way, up to 128 (a panorama is made smaller), in steps of 32" in said
    told = ("--resize", "shorter", "--multiple", "8", "--longest", "200", "--size", "64")
    add(file, "--like", "segformer", *told, "--replace")
    assert (card(store).input.multiple, card(store).input.longest) == (8, 200)
    add(file, "--like", "modnet", "--size", "64", "--resize", "stretch", "--replace")
    assert card(store).input.longest is None


@pytest.mark.parametrize(
    ("is_open", "options", "why"),
    [
        (False, ["--resize", "shorter"], "export it with open sides"),
        (True, ["--multiple", "32"], "go with --resize shorter"),
        (True, ["--resize", "shorter", "--multiple", "32", "--size", "100"], "must be a multiple of 32"),
        (True, ["--resize", "shorter", "--size", "64", "--longest", "6400"], "--longest from 64 to 512"),
    ],
)
def test_open_sides_that_cannot_be_are_refused(
    is_open: bool, options: list[str], why: str, add: Add, tmp_path: Path
) -> None:
    file = export(Convolved(1), tmp_path / "net.onnx", 32, 32, open_sizes=is_open)
    assert why in add(file, "--like", "u2net", *options, status=2)


def test_an_added_model_answers_requests(add: Add, store: Path, tmp_path: Path) -> None:
    """Through the service, its worker process and its queue."""
    red = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Sigmoid())
    red.load_state_dict({"0.weight": torch.tensor(SUBJECT_WEIGHTS[0])[..., None, None], "0.bias": torch.tensor([-6.0])})
    file = export(red, tmp_path / "net.onnx", 48, 64)
    add(file, "--mean", "0", "0", "0", "--std", "1", "1", "1")
    open_file = export(red, tmp_path / "open.onnx", 48, 64, open_sizes=True)
    told = ("--resize", "shorter", "--size", "64", "--mean", "0", "0", "0", "--std", "1", "1", "1")
    add(open_file, *told, name="open")
    settings = read_settings(model_store=store, models=("mine", "open"), device="cpu", workers=1)
    with ready_client(settings, built_in_families) as client:
        lying, standing = painted(), painted().transpose(Image.Transpose.ROTATE_90)
        for picture in (lying, standing):
            found = client.post("/segment", files={"image": encoded(picture)}, data={"model": "open"})
            assert found.status_code == 200, found.text
            assert np.mean((pixels(found.content) > 0) == (np.asarray(picture)[..., 0] > 128)) > 0.97
        answer = client.post("/segment", files={"image": encoded(painted())})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-model"] == "mine@1"
        labels = pixels(answer.content)
    assert labels[60, 100].any()
    assert not labels[5, 5].any()
    assert np.unique(labels).size >= 2
