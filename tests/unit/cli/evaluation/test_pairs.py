"""Folders of pictures and masks, right and wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli.evaluation.pairs import Pair, check_sizes, find_pairs, fitted, read_ids, spread
from service.configuration_errors import ConfigurationError
from service.models.labels import Size


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for folder, suffix in (("images", "jpg"), ("masks", "png")):
        (tmp_path / folder).mkdir()
        for name in ("cat", "dog", "fox"):
            Image.new("L", (8, 6)).save(tmp_path / folder / f"{name}.{suffix}")
    return tmp_path / "images", tmp_path / "masks"


def test_files_of_one_name_are_a_pair_whatever_their_endings(folders: tuple[Path, Path]) -> None:
    (folders[0] / ".DS_Store").write_bytes(b"")
    assert [(pair.picture.name, pair.mask.name) for pair in find_pairs(*folders)] == [
        ("cat.jpg", "cat.png"),
        ("dog.jpg", "dog.png"),
        ("fox.jpg", "fox.png"),
    ]


def test_what_has_no_partner_is_refused_by_name_or_left_out(folders: tuple[Path, Path]) -> None:
    (folders[0] / "cat.jpg").unlink()
    (folders[1] / "dog.png").unlink()
    with pytest.raises(ConfigurationError, match="no mask for dog; there is no picture for cat"):
        find_pairs(*folders)
    assert [pair.name for pair in find_pairs(*folders, skip_unpaired=True)] == ["fox"]


def test_two_files_of_one_name_are_refused(folders: tuple[Path, Path]) -> None:
    Image.new("L", (8, 6)).save(folders[0] / "cat.png")
    with pytest.raises(ConfigurationError, match=r"both cat\.jpg and cat\.png"):
        find_pairs(*folders)


def test_folders_that_do_not_match_or_are_not_there_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        find_pairs(folders[0], tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="no file in"):
        find_pairs(folders[0], tmp_path / "empty")


def test_masks_of_other_sizes_are_named_unless_the_picture_may_lie_on_its_side(folders: tuple[Path, Path]) -> None:
    Image.new("L", (6, 8)).save(folders[1] / "dog.png")  # as a camera's portrait would be
    check_sizes(find_pairs(*folders))
    Image.new("L", (8, 7)).save(folders[1] / "cat.png")
    with pytest.raises(ConfigurationError, match=r"1 masks .*cat.*--resize-masks"):
        check_sizes(find_pairs(*folders))


def test_a_mask_is_resized_by_the_nearest_pixel_where_that_is_allowed() -> None:
    ids, pair = np.array([[0, 7]], np.uint8), Pair(Path("cat.jpg"), Path("cat.png"))
    with pytest.raises(ConfigurationError, match=r"cat\.png is 2 x 1, cat\.jpg \(upright\) 4 x 2; --resize-masks"):
        fitted(ids, Size(4, 2), pair, resize=False)
    assert fitted(ids, Size(4, 2), pair, resize=True).tolist() == [[0, 0, 7, 7]] * 2
    assert fitted(ids, Size(2, 1), pair, resize=False) is ids


def test_ids_are_those_of_the_palette_or_the_grey(tmp_path: Path) -> None:
    numbers = np.array([[0, 5, 255]], np.uint8)
    palette = Image.fromarray(numbers).convert("P")
    palette.putdata([0, 5, 255])
    palette.putpalette([number % 256 for number in range(768)])
    for name, image in {
        "P": palette,
        "L": Image.fromarray(numbers),
        "RGB": Image.fromarray(numbers).convert("RGB"),
    }.items():
        image.save(tmp_path / f"{name}.png")
        assert np.array_equal(read_ids(tmp_path / f"{name}.png"), numbers), name


def test_a_mask_in_colours_or_no_picture_at_all_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ConfigurationError, match="grey or palette"):
        read_ids(tmp_path / "red.png")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_ids(tmp_path / "text.png")


def test_a_limit_is_spread_evenly() -> None:
    pairs = [Pair(Path(f"{number}.jpg"), Path(f"{number}.png")) for number in range(10)]
    assert [pair.name for pair in spread(pairs, 3)] == ["0", "3", "6"]
    assert spread(pairs, None) == pairs
