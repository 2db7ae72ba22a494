"""Servers that are measured against each other: how each is started, and how it is asked for a cutout."""

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.harness.builds import HERE
from benchmarks.harness.load import multipart
from benchmarks.harness.servers import peer_server, rembg, silhouette
from benchmarks.peers.cells import Contender
from benchmarks.peers.installs import (
    HANDLER,
    LITSERVE,
    OPENVINO,
    fetch_original,
    install_peer,
    install_rembg,
    quantized,
)
from service.operations.remove_background import RemoveBackgroundOptions

MODEL = "u2net"

SILHOUETTE = "silhouette"
SILHOUETTE_FP32, SILHOUETTE_INT8 = "silhouette fp32", "silhouette int8"
PLAIN_FP32, PLAIN_INT8 = "silhouette fp32, plain", "silhouette int8, plain"
REMBG, FASTAPI_ORT, LIT = "rembg s", "FastAPI + onnxruntime", "LitServe"
FASTAPI_OV = "FastAPI + OpenVINO int8"

EXTRAS_OFF = {"refine": "off", "decontaminate": "false"}
"""What the service does by default and the peers do not; `plain` is without. Like is compared with like there."""


def extras() -> dict[str, object]:
    """Those of EXTRAS_OFF that this version of the service knows, each with its default."""
    fields = RemoveBackgroundOptions.model_fields
    return {name: fields[name].default for name in EXTRAS_OFF if name in fields}


def silhouette_as_set(weights: Path) -> Contender:
    """In the precision that the environment says, or else the default."""
    return _silhouette(SILHOUETTE, None, {})


def fp32(weights: Path) -> Contender:
    return _silhouette(SILHOUETTE_FP32, "fp32", {})


def int8(weights: Path) -> Contender:
    return _silhouette(SILHOUETTE_INT8, "int8", {})


def plain_fp32(weights: Path) -> Contender:
    return _silhouette(PLAIN_FP32, "fp32", {name: EXTRAS_OFF[name] for name in extras()})


def plain_int8(weights: Path) -> Contender:
    return _silhouette(PLAIN_INT8, "int8", {name: EXTRAS_OFF[name] for name in extras()})


def _silhouette(name: str, precision: str | None, options: Mapping[str, str]) -> Contender:
    settings = {} if precision is None else {"precision": precision}
    form = {"model": MODEL, "format": "png", **options}
    return Contender(
        name,
        lambda: silhouette(MODEL, HERE, **settings),
        lambda photo: multipart("/remove-background", "image", photo, form),
    )


def rembg_server(weights: Path) -> Contender:
    program = install_rembg()
    return Contender(
        REMBG,
        lambda: rembg(program, weights),
        lambda photo: multipart("/api/remove", "file", photo, {"model": MODEL}),
    )


def handler(weights: Path) -> Contender:
    python = install_peer("fastapi-onnxruntime", *HANDLER) / "python"
    return _handwritten(FASTAPI_ORT, "fastapi_onnxruntime", python, weights / "u2net.onnx", "/remove")


def openvino_handler(weights: Path) -> Contender:
    python = install_peer("fastapi-openvino", *OPENVINO) / "python"
    network = quantized(python, weights / "u2net.onnx")
    return _handwritten(FASTAPI_OV, "fastapi_openvino", python, network, "/remove")


def litserve(weights: Path) -> Contender:
    python = install_peer("litserve", *LITSERVE) / "python"
    return _handwritten(LIT, "litserve_u2net", python, weights / "u2net.onnx", "/predict")


def _handwritten(name: str, script: str, python: Path, network: Path, path: str) -> Contender:
    return Contender(
        name,
        lambda: peer_server(script, python, network),
        lambda photo: multipart(path, "file", photo, {}),
    )


CONTENDERS: dict[str, Callable[[Path], Contender]] = {
    SILHOUETTE_FP32: fp32,
    SILHOUETTE_INT8: int8,
    PLAIN_FP32: plain_fp32,
    PLAIN_INT8: plain_int8,
    REMBG: rembg_server,
    FASTAPI_ORT: handler,
    FASTAPI_OV: openvino_handler,
    LIT: litserve,
}
"""Takes the folder of u2net.onnx, and installs what is missing. Raises StartFailed where that cannot be done."""

PLAIN = (PLAIN_FP32, PLAIN_INT8)


def weights_folder() -> Path:
    """Fetched where it is missing."""
    return fetch_original(MODEL)
