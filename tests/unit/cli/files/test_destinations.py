"""Where results go: one file, a folder, standard output, or beside their photos."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from service.cli.files.destinations import (
    Beside,
    Folder,
    OneFile,
    StandardOutput,
    check_nothing_is_overwritten,
    choose_destination,
    earlier_results,
    short_names,
)
from service.cli.files.scan import find_photos
from service.configuration_errors import ConfigurationError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a user: a/cat.jpg, a/dog.jpg, a/sub/cat.jpg, b/cat.jpg."""
    for name in ("a/cat.jpg", "a/dog.jpg", "a/sub/cat.jpg", "b/cat.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(out: str | None, *named: str, recursive: bool = False) -> list[str]:
    destination = choose_destination(out, named, "segment")
    return [str(item.target) for item in destination.items(find_photos(named, recursive).photos, ".png")]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("out", "named", "expected"),
    [
        ("cut.png", ["a/cat.jpg"], OneFile(Path("cut.png"))),
        ("cut.PNG", ["-"], OneFile(Path("cut.PNG"))),
        ("new/", ["a/cat.jpg"], Folder(Path("new"))),
        ("new", ["a/cat.jpg"], Folder(Path("new"))),
        ("b", ["a/cat.jpg"], Folder(Path("b"))),
        ("new", ["a"], Folder(Path("new"))),
        ("new", ["a/cat.jpg", "a/dog.jpg"], Folder(Path("new"))),
        ("cut.png/", ["a/cat.jpg", "a/dog.jpg"], Folder(Path("cut.png"))),
        (None, ["a/cat.jpg"], Beside("segment")),
        (None, ["a"], Beside("segment")),
    ],
)
def test_out_is_a_file_for_one_photo_and_else_a_folder(out: str | None, named: Sequence[str], expected: object) -> None:
    assert choose_destination(out, named, "segment") == expected


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(("out", "named"), [(None, ["-"]), ("-", ["-"]), ("-", ["a/cat.jpg"])])
def test_a_dash_is_standard_output(out: str | None, named: Sequence[str]) -> None:
    assert isinstance(choose_destination(out, named, "segment"), StandardOutput)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("out", "named", "word"),
    [
        ("cut.png", ["a/cat.jpg", "b/cat.jpg"], "ends in /"),
        ("cut.png", ["a"], "ends in /"),
        ("a/dog.jpg", ["a/cat.jpg", "b/cat.jpg"], "ends in /"),
        ("-", ["a/cat.jpg", "b/cat.jpg"], "one photo"),
        ("-", ["a"], "one photo"),
    ],
)
def test_several_photos_do_not_go_into_one_file(out: str, named: Sequence[str], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        choose_destination(out, named, "segment")


def test_the_suffix_of_the_file_chooses_the_format() -> None:
    assert [OneFile(Path(name)).format for name in ("a.png", "a.JPG", "a.jfif", "a.webp", "a.json", "a")] == [
        *("png", "jpeg", "jpeg", "webp", "json"),
        None,
    ]
    with pytest.raises(ConfigurationError, match=r"\.png, \.webp"):
        _ = OneFile(Path("a.tiff")).format


@pytest.mark.usefixtures("tree")
def test_results_keep_the_tree() -> None:
    assert results("out/", "a", recursive=True) == ["out/cat.png", "out/dog.png", "out/sub/cat.png"]


@pytest.mark.usefixtures("tree")
def test_the_same_name_in_two_folders_gives_two_results() -> None:
    assert results("out/", "a/cat.jpg", "a/dog.jpg", "b/cat.jpg") == ["out/a/cat.png", "out/a/dog.png", "out/b/cat.png"]
    assert results("out/", "a", "b") == ["out/a/cat.png", "out/a/dog.png", "out/b/cat.png"]


@pytest.mark.usefixtures("tree")
def test_names_that_differ_stay_flat() -> None:
    assert results("out/", "a/dog.jpg", "b/cat.jpg") == ["out/dog.png", "out/cat.png"]


@pytest.mark.usefixtures("tree")
def test_without_out_results_lie_beside_their_photos() -> None:
    assert results(None, "a/cat.jpg", "b") == ["a/cat-segment.png", "b/cat-segment.png"]


@pytest.mark.usefixtures("tree")
def test_standard_input_has_a_name_among_others_and_no_place_beside_them() -> None:
    assert results("out/", "-", "a/cat.jpg") == ["out/stdin.png", "out/cat.png"]
    with pytest.raises(ConfigurationError, match="--out"):
        results(None, "-", "a/cat.jpg")


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["cat.jpg", "dog.jpg"], ["cat", "dog"]),
        (["cat.jpg", "cat.png", "dog.jpg"], ["cat.jpg", "cat.png", "dog"]),
        (["cat.jpg", "cat.png", "cat.jpg.webp"], ["cat.jpg", "cat.png", "cat.jpg.webp"]),
        (["a/cat.jpg", "b/cat.jpg"], ["a/cat", "b/cat"]),
        (["Cat.jpg", "cat.png"], ["Cat.jpg", "cat.png"]),
        (["Cat.jpg", "cat.jpg"], ["Cat.jpg", "cat.jpg"]),
        (["cat"], ["cat"]),
        (["v1.2.jpg", "v1.3.jpg"], ["v1.2", "v1.3"]),
    ],
)
def test_names_are_short_unless_two_would_meet_also_where_case_does_not_count(
    places: list[str], names: list[str]
) -> None:
    assert short_names([Path(place) for place in places]) == [Path(name) for name in names]


def test_results_of_an_earlier_run_are_told_from_photos(tree: Path) -> None:
    for name in ("cat-segment.png", "cat.jpg-blur-background.webp", "other-segment.png", "segment.png"):
        (tree / "a" / name).touch()
    found = {path.name for path in earlier_results(find_photos([str(tree / "a")]).photos)}
    assert found == {"cat-segment.png", "cat.jpg-blur-background.webp"}


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("out", ["a/cat.jpg", "link.jpg", "hard.jpg"])
def test_no_result_takes_the_place_of_a_photo(out: str) -> None:
    Path("link.jpg").symlink_to("a/cat.jpg")
    Path("hard.jpg").hardlink_to("a/cat.jpg")
    items = OneFile(Path(out)).items(find_photos(["a/cat.jpg"]).photos, ".jpg")
    with pytest.raises(ConfigurationError, match="would be overwritten"):
        check_nothing_is_overwritten(items, [])


@pytest.mark.usefixtures("tree")
def test_no_result_takes_the_place_of_another_picture_that_is_read() -> None:
    items = OneFile(Path("b/cat.jpg")).items(find_photos(["a/cat.jpg"]).photos, ".jpg")
    check_nothing_is_overwritten(items, [])
    with pytest.raises(ConfigurationError, match="would be overwritten"):
        check_nothing_is_overwritten(items, [Path("b/cat.jpg")])
