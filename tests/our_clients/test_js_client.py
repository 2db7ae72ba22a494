"""`clients/js` against the real service, by its own tests."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clips import red_square, write_clip
from tests.fakes import DARK
from tests.pictures import encoded, painted, plain

FOLDER = Path(__file__).parents[2] / "clients" / "js"
OLDEST_NODE = 20
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node on this machine")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is {version.strip()}, and the client needs {OLDEST_NODE}")
    return found


def test_the_javascript_client_keeps_what_its_own_tests_say(node: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(painted()))
    (tmp_path / "empty.png").write_bytes(encoded(plain(DARK)))
    write_clip(tmp_path / "clip.mp4", red_square(4))
    told = {
        "SILHOUETTE_TEST_URL": url,
        "SILHOUETTE_TEST_PICTURE": str(tmp_path / "photo.png"),
        "SILHOUETTE_TEST_FILM": str(tmp_path / "clip.mp4"),
        "SILHOUETTE_TEST_EMPTY_PICTURE": str(tmp_path / "empty.png"),
    }
    command = [node, "--test", "--test-reporter=tap"]  # others than TAP are for terminals
    tested = subprocess.run(
        command, cwd=FOLDER, env=os.environ | told, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "# fail 0" in tested.stdout
    assert "# pass 0" not in tested.stdout
