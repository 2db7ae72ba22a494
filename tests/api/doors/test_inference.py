"""The Open Inference Protocol: what the server and its models say of themselves, and inference in every way it has."""

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.fakes import BLUE, DARK
from tests.pictures import encoded, painted, pixels, plain, red_and_blue

PHOTO = encoded(painted())
AS_BYTES: dict[str, Any] = {
    "name": "image",
    "datatype": "BYTES",
    "shape": [1],
    "data": [base64.b64encode(PHOTO).decode()],
}


def infer(client: TestClient, model: str, tensor: dict[str, Any] = AS_BYTES, **more: Any) -> Response:
    return client.post(f"/v2/models/{model}/infer", json={"inputs": [tensor], **more})


def tensors_of(answer: Response) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """By name, out of the JSON or from behind it."""
    assert answer.status_code == 200, answer.content[:500]
    length = int(answer.headers.get("Inference-Header-Content-Length", len(answer.content)))
    rest = answer.content[length:]
    found = {}
    for output in json.loads(answer.content[:length])["outputs"]:
        assert output["datatype"] == "UINT8"
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.array(output["data"], np.uint8)
        else:
            values, rest = np.frombuffer(rest[:size], np.uint8), rest[size:]
        found[output["name"]] = values.reshape(output["shape"])
    assert not rest
    return found


def said(answer: Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.content[:500]
    return str(answer.json()["error"])


def test_the_server_says_what_it_is(client: TestClient) -> None:
    for path in ("/v2", "/v2/"):
        assert client.get(path).json()["name"] == "silhouette"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models").json() == {"models": ["tiny-subject", "tiny-classes", "best"]}


def test_a_model_says_what_it_takes_and_gives(client: TestClient) -> None:
    for path in ("/v2/models/tiny-classes", "/v2/models/tiny-classes/versions/1"):
        told = client.get(path).json()
        assert (told["name"], told["versions"]) == ("tiny-classes", ["1"])
        assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [1]}]
        outputs = {output["name"]: output["shape"] for output in told["outputs"]}
        assert outputs == {"labels": [-1, -1], "matte": [-1, -1], "cutout": [-1, -1, 4]}
        assert client.get(f"{path}/ready").json()["ready"]
    assert [output["name"] for output in client.get("/v2/models/best").json()["outputs"]] == ["matte", "cutout"]
    assert "no model" in said(client.get("/v2/models/nobodys"), 404)
    assert "version 1" in said(client.get("/v2/models/tiny-classes/versions/2"), 404)


def test_labels_are_class_ids_and_the_matte_is_the_subject(client: TestClient) -> None:
    tensor = {**AS_BYTES, "data": [base64.b64encode(encoded(red_and_blue())).decode()]}
    found = tensors_of(infer(client, "tiny-classes", tensor))
    assert set(found) == {"labels", "matte", "cutout"}
    assert found["labels"].shape == (120, 200)
    assert [found["labels"][60, x] for x in (50, 150, 100)] == [1, 2, 0]
    assert found["matte"][60, 50] > 250
    assert found["matte"][60, 100] < 5
    assert found["cutout"].shape == (120, 200, 4)
    assert (found["cutout"][..., 3] == found["matte"]).all()


def test_every_way_to_send_a_picture_has_the_same_answer(client: TestClient) -> None:
    levels = pixels(PHOTO)
    as_pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, *levels.shape], "data": levels.ravel().tolist()}
    first = tensors_of(infer(client, "tiny-subject"))
    second = tensors_of(infer(client, "tiny-subject", as_pixels))
    for name, plane in first.items():
        assert second[name].shape == (1, *plane.shape)  # as it came in a batch of one
        assert (second[name][0] == plane).all()


def test_a_binary_request_needs_no_content_type_and_has_a_binary_answer(client: TestClient) -> None:
    raw = struct.pack("<I", len(PHOTO)) + PHOTO
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}}
    outputs = [{"name": "cutout", "parameters": {"binary_data": True}}, {"name": "matte"}]
    head = json.dumps({"id": "7", "inputs": [tensor], "outputs": outputs}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = client.post("/v2/models/tiny-subject/versions/1/infer", content=head + raw, headers=headers)
    told = json.loads(answer.content[: int(answer.headers["Inference-Header-Content-Length"])])
    assert (told["id"], told["model_name"], told["model_version"]) == ("7", "tiny-subject", "1")
    assert [output["name"] for output in told["outputs"]] == ["cutout", "matte"]
    assert "data" in told["outputs"][1]
    found = tensors_of(answer)
    assert (found["cutout"][..., 3] == found["matte"]).all()


def test_a_picture_without_a_subject_has_an_empty_matte_unless_that_is_not_wanted(client: TestClient) -> None:
    tensor = {**AS_BYTES, "data": [base64.b64encode(encoded(plain(DARK))).decode()]}
    assert tensors_of(infer(client, "tiny-subject", tensor))["matte"].max() <= 1
    assert "sees no" in said(infer(client, "tiny-subject", tensor, parameters={"allow_empty": False}))


def test_parameters_are_options_and_those_of_clients_change_nothing(client: TestClient) -> None:
    tensor = {**AS_BYTES, "data": [base64.b64encode(encoded(painted(BLUE))).decode()]}
    parameters = {"keep": "blue", "timeout": 50_000_000, "sequence_id": 3, "priority": 1, "triton_x": 1}
    found = tensors_of(infer(client, "tiny-classes", tensor, parameters=parameters))
    assert found["matte"][60, 100] > 250
    assert "'kepp'" in said(infer(client, "tiny-classes", parameters={"kepp": "blue"}))
    assert "threshold" in said(infer(client, "tiny-classes", parameters={"threshold": 7}))


def test_the_clients_own_timeout_in_microseconds_is_kept(client: TestClient) -> None:
    assert said(infer(client, "tiny-subject", parameters={"timeout": 1}), 504)


WRONG: dict[str, dict[str, Any]] = {
    "no output 'depth'": {"outputs": [{"name": "depth"}]},
    "labels: shared memory": {"outputs": [{"name": "labels", "parameters": {"shared_memory_region": "a"}}]},
    "labels: no classification": {"outputs": [{"name": "labels", "parameters": {"classification": 3}}]},
    "BYTES": {"tensor": {"name": "image", "datatype": "FP32", "shape": [1], "data": [1.0]}},
    "batch of 2": {"tensor": {**AS_BYTES, "shape": [2], "data": AS_BYTES["data"] * 2}},
    "base64": {"tensor": {**AS_BYTES, "data": ["?"]}},
    "first bytes": {"tensor": {**AS_BYTES, "data": [base64.b64encode(b"no picture at all").decode()]}},
}


@pytest.mark.parametrize(("reason", "asked"), WRONG.items())
def test_what_is_wrong_is_said_in_the_protocols_form(client: TestClient, reason: str, asked: dict[str, Any]) -> None:
    assert reason in said(infer(client, "tiny-subject", **asked))


def test_a_length_that_is_none_and_labels_of_two_models_are_refused(client: TestClient) -> None:
    headers = {"Inference-Header-Content-Length": "much"}
    assert "number" in said(client.post("/v2/models/tiny-subject/infer", content=b"{}", headers=headers))
    assert "no output" in said(infer(client, "best", outputs=[{"name": "labels"}]))
    assert said(infer(client, "nobodys"), 404)
    assert said(client.get("/v2/nothing"), 404)


def test_what_triton_has_beside_inference_is_refused_by_its_name(client: TestClient) -> None:
    assert "statistics" in said(client.get("/v2/models/stats"), 501)
    assert "statistics" in said(client.get("/v2/models/tiny-subject/versions/1/stats"), 501)
    assert "shared memory" in said(client.get("/v2/systemsharedmemory/status"), 501)
    assert "shared memory" in said(client.post("/v2/cudasharedmemory/region/a/register", json={}), 501)
    assert "settings" in said(client.post("/v2/logging", json={"log_info": True}), 501)
    assert "infer" in said(client.post("/v2/models/tiny-subject/generate", json={}), 501)
