"""Hugging Face's own client, pointed here."""

import numpy as np
import pytest

from tests.pictures import HEIGHT, WIDTH, encoded, red_and_blue
from tests.system.serving import Server

hub = pytest.importorskip("huggingface_hub")

PICTURE = encoded(red_and_blue())


@pytest.mark.parametrize("parameters", [{}, {"threshold": 0.5, "mask_threshold": 0.5, "subtask": "semantic"}], ids=str)
def test_the_client_gets_masks_with_labels_and_scores(server: Server, parameters: dict[str, object]) -> None:
    client = hub.InferenceClient(model=f"{server.url}/hf/image-segmentation", token="sil_key")
    found = {segment.label: segment for segment in client.image_segmentation(PICTURE, **parameters)}
    assert set(found) == {"red", "blue"}
    mask = found["red"].mask
    assert (mask.mode, mask.size) == ("L", (WIDTH, HEIGHT))
    assert (np.asarray(mask)[60, 50], np.asarray(mask)[60, 150]) == (255, 0)
    assert all(0 < segment.score <= 1 for segment in found.values())


def test_the_client_shows_what_we_say_of_a_refusal(server: Server) -> None:
    client = hub.InferenceClient(model=f"{server.url}/hf/image-segmentation", token="sil_key")
    with pytest.raises(hub.errors.HfHubHTTPError, match="semantic"):
        client.image_segmentation(PICTURE, subtask="instance")
