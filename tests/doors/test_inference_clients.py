"""Triton's client, and KServe's way to ask, as its own client would bring Kubernetes along."""

import base64
from typing import Any

import httpx2
import numpy as np
import pytest

from tests.pictures import encoded, painted, pixels
from tests.system.serving import REQUEST_TIMEOUT_S, Server

triton = pytest.importorskip("tritonclient.http")

PHOTO = encoded(painted())
MODEL = "tiny-subject"


@pytest.fixture
def client(server: Server) -> Any:
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as connected:
        yield connected


def picture(binary: bool) -> Any:
    """As raw bytes, or as base64 in JSON."""
    content = np.array([PHOTO if binary else base64.b64encode(PHOTO)], np.object_)
    tensor = triton.InferInput("image", [1], "BYTES")
    return tensor.set_data_from_numpy(content, binary_data=binary)


def test_tritons_client_finds_server_and_model(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("nobodys")
    assert client.get_server_metadata()["name"] == "silhouette"
    assert client.get_model_metadata(MODEL)["outputs"][0]["datatype"] == "UINT8"
    assert client.get_model_config(MODEL)["output"][0]["data_type"] == "TYPE_UINT8"
    assert [model["name"] for model in client.get_model_repository_index()] == [MODEL, "tiny-classes", "best"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_tritons_client_gets_every_output_both_ways(client: Any, binary_in: bool, binary_out: bool) -> None:
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("labels", "matte", "cutout")]
    answer = client.infer(MODEL, [picture(binary_in)], outputs=wanted, request_id="7", parameters={"effort": "best"})
    assert answer.get_response()["id"] == "7"
    labels, matte, cutout = (answer.as_numpy(name) for name in ("labels", "matte", "cutout"))
    assert (labels[60, 100], labels[5, 5]) == (1, 0)
    assert (matte[60, 100] > 250, matte[5, 5] < 5) == (True, True)
    assert (cutout[..., 3] == matte).all()


@pytest.mark.parametrize("batch", [[], [1]])
def test_tritons_client_sends_pixels(client: Any, batch: list[int]) -> None:
    levels = pixels(PHOTO).reshape([*batch, 120, 200, 3])
    tensor = triton.InferInput("pixels", list(levels.shape), "UINT8").set_data_from_numpy(levels)
    answer = client.infer(MODEL, [tensor])  # all outputs, all binary
    assert answer.as_numpy("matte").shape == (*batch, 120, 200)
    assert answer.as_numpy("cutout").shape == (*batch, 120, 200, 4)


def test_tritons_client_raises_what_is_wrong(client: Any) -> None:
    tensor = triton.InferInput("image", [2, 2], "FP32").set_data_from_numpy(np.zeros((2, 2), np.float32))
    with pytest.raises(triton.InferenceServerException, match="FP32"):
        client.infer(MODEL, [tensor])
    with pytest.raises(triton.InferenceServerException, match="no model"):
        client.get_model_metadata("nobodys")


def test_kserves_client_gets_json(server: Server) -> None:
    """It asks without `outputs` and reads `model_name`, and of each output `name`, `shape`, `datatype` and `data`."""
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(PHOTO).decode()]}
    url, asked = f"{server.url}/v2/models/{MODEL}/infer", {"inputs": [tensor]}
    answer = httpx2.post(url, json=asked, timeout=REQUEST_TIMEOUT_S).json()
    assert answer["model_name"] == MODEL
    matte = next(output for output in answer["outputs"] if output["name"] == "matte")
    assert len(matte["data"]) == 120 * 200
    assert server.get("/v2/health/live").json()["live"]
    assert server.get("/v2/health/ready").json()["ready"]
