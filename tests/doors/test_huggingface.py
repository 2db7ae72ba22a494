"""Hugging Face's own clients, pointed here: PyPI's `huggingface-hub`, and npm's `@huggingface/inference`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.doors.node import node_module
from tests.pictures import HEIGHT, WIDTH, encoded, red_and_blue
from tests.system.serving import Server

PICTURE = encoded(red_and_blue())


@pytest.fixture(scope="module")
def hub() -> Any:
    return pytest.importorskip("huggingface_hub")


@pytest.mark.parametrize("parameters", [{}, {"threshold": 0.5, "mask_threshold": 0.5, "subtask": "semantic"}], ids=str)
def test_the_client_gets_masks_with_labels_and_scores(hub: Any, server: Server, parameters: dict[str, object]) -> None:
    client = hub.InferenceClient(model=f"{server.url}/hf/image-segmentation", token="sil_key")
    found = {segment.label: segment for segment in client.image_segmentation(PICTURE, **parameters)}
    assert set(found) == {"red", "blue"}
    mask = found["red"].mask
    assert (mask.mode, mask.size) == ("L", (WIDTH, HEIGHT))
    assert (np.asarray(mask)[60, 50], np.asarray(mask)[60, 150]) == (255, 0)
    assert all(0 < segment.score <= 1 for segment in found.values())


def test_the_client_shows_what_we_say_of_a_refusal(hub: Any, server: Server) -> None:
    client = hub.InferenceClient(model=f"{server.url}/hf/image-segmentation", token="sil_key")
    with pytest.raises(hub.errors.HfHubHTTPError, match="semantic"):
        client.image_segmentation(PICTURE, subtask="instance")


SCRIPT = """
const { InferenceClient } = require(process.argv[1]);
const client = new InferenceClient("sil_key").endpoint(process.argv[2]);
const inputs = new Blob([require("fs").readFileSync(process.argv[3])], { type: "image/png" });
(async () => {
  const plain = await client.imageSegmentation({ inputs });
  const surest = await client.imageSegmentation({ inputs, parameters: { threshold: 0.5, subtask: "semantic" } });
  const instances = client.imageSegmentation({ inputs, parameters: { subtask: "instance" } });
  const refused = await instances.catch((error) => error.message);
  console.log(JSON.stringify([plain, surest, refused]));
})();
"""


def test_the_node_client_gets_masks_with_labels_and_scores_and_what_we_say(server: Server, tmp_path: Path) -> None:
    module = node_module("@huggingface/inference")
    photo = tmp_path / "photo.png"
    photo.write_bytes(PICTURE)
    command = ["node", "-e", SCRIPT, module, f"{server.url}/hf/image-segmentation", str(photo)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    plain, surest, refused = json.loads(done.stdout)
    assert [segment["label"] for segment in plain] == ["red", "blue"]
    assert plain == surest
    assert "semantic" in refused
