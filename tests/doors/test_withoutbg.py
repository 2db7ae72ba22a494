"""withoutBG's own client of its cloud, pointed here."""

from pathlib import Path

import numpy as np
import pytest

from tests.fakes import RAISING_COLOR, RED
from tests.pictures import painted, plain
from tests.system.serving import Server

withoutbg = pytest.importorskip("withoutbg")


def test_the_client_cuts_a_photo_out(server: Server, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    painted().resize((2000, 1200)).save(photo)  # the client sends at most 1024 pixels, and enlarges the answer
    cutout = withoutbg.WithoutBG.api("sil_key", base_url=server.url).remove_background(photo)
    assert (cutout.mode, cutout.size) == ("RGBA", (2000, 1200))
    assert tuple(np.asarray(cutout)[600, 1000]) == (*RED, 255)
    assert np.asarray(cutout)[100, 100][3] < 4


def test_the_client_shows_what_we_say_of_a_refusal(server: Server) -> None:
    client = withoutbg.WithoutBG.api("sil_key", base_url=server.url)
    with pytest.raises(withoutbg.APIError, match="The model failed on this image"):
        client.remove_background(plain(RAISING_COLOR))
