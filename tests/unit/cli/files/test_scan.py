"""Which files of a folder are photos of the command, and what is said of the others."""

import os
from pathlib import Path

import pytest

from service.cli.files.scan import Finds, check_some_were_found, find_photos, tell_left_out
from service.configuration_errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "c.jfif", "d.JPE", "e.heic", "._a.png", ".hidden.jpg", "notes.txt", "raw.cr2"):
        (tmp_path / name).touch()
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.jpg" / "inside.png").touch()
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "a.png").touch()
    (tmp_path / "sub" / "a.png").touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.png").touch()
    return tmp_path


def names(finds: Finds, folder: Path) -> list[str]:
    return [str(photo.path.relative_to(folder)) for photo in finds.photos if photo.path]


def test_a_folder_is_the_pictures_in_it_whatever_their_suffix_looks_like(folder: Path) -> None:
    finds = find_photos([str(folder)])
    assert names(finds, folder) == ["a.png", "b.JPG", "c.jfif", "d.JPE", "e.heic"]
    assert not finds.unreadable


def test_what_is_left_out_is_counted_and_named_and_hidden_files_are_not(folder: Path) -> None:
    told = tell_left_out(find_photos([str(folder)]).left_out)
    assert told.startswith("left out 4 (folder: 2, .txt: 1, .cr2: 1): notes.txt, raw.cr2, sub, x.jpg")
    assert "--recursive" in told


def test_a_folder_called_like_a_picture_is_a_folder(folder: Path) -> None:
    assert "x.jpg/inside.png" in names(find_photos([str(folder)], recursive=True), folder)


def test_all_below_a_folder_is_found_once_in_order(folder: Path) -> None:
    finds = find_photos([str(folder), str(folder / "sub"), str(folder / "sub" / "a.png")], recursive=True)
    assert names(finds, folder)[5:] == ["sub/a.png", "sub/deep/a.png", "x.jpg/inside.png"]


def test_the_folder_of_the_results_is_not_looked_into(folder: Path) -> None:
    finds = find_photos([str(folder)], recursive=True, results=folder / "sub")
    assert "sub/a.png" not in names(finds, folder)


@pytest.mark.parametrize("target", ["nowhere", "link.jpg"], ids=["dangling", "loop"])
def test_a_link_to_nothing_costs_itself_alone(folder: Path, target: str) -> None:
    (folder / "link.jpg").symlink_to(target)
    finds = find_photos([str(folder)])
    assert finds.unreadable == [(folder / "link.jpg", "a link to nothing")]
    assert len(finds.photos) == 5


def test_links_to_folders_further_down_are_not_followed(folder: Path) -> None:
    (folder / "sub" / "up").symlink_to(folder)
    finds = find_photos([str(folder)], recursive=True)
    assert (folder / "sub" / "up", "a link to a folder") in finds.left_out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_a_folder_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    assert (folder / "pipe.png", "no regular file") in find_photos([str(folder)]).left_out


def test_a_missing_file_among_others_costs_itself_alone(folder: Path) -> None:
    finds = find_photos([str(folder / "a.png"), str(folder / "absent.jpg")])
    check_some_were_found(finds)
    assert finds.unreadable == [(folder / "absent.jpg", "no such file")]


def test_nothing_at_all_is_an_error_that_names_what_is_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.jpg: no such file"):
        check_some_were_found(find_photos(["absent.jpg"]))
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match=r"notes\.txt"):
        check_some_were_found(find_photos([str(tmp_path / "texts")]))
