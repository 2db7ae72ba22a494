"""U²-Net by tiles of bytes beside the same network in torch, at half of its size."""

from functools import cache

import numpy as np
import pytest

from service.configuration_errors import CannotQuantize
from service.kernels import steps
from service.kernels.arena import Arena
from service.models.engines.shared_weights import SharedWeights
from service.models.segmenters.devices import Device
from service.models.segmenters.u2net import SmallU2Net, U2Net, U2NetSegmenter
from service.models.segmenters.u2net_in_bytes import Plan, U2NetInBytes, can_run
from service.models.store.int8_ranges import Span, read_ranges
from tests.unit.models.segmenters.test_families import TORCH, half_as_large, load, photo
from tests.weights import REPOSITORY

pytestmark = pytest.mark.skipif(not steps.can_run(), reason="compiled for AVX2 without instructions for eight bits")

CARD = half_as_large("u2net")
SIZE = CARD.input.height, CARD.input.width


@cache
def exact() -> U2NetSegmenter:
    found = load(CARD, device=TORCH)
    assert isinstance(found, U2NetSegmenter)
    return found


@cache
def spans() -> dict[str, Span]:
    ranges = read_ranges(REPOSITORY / "model_store" / "u2net" / "int8.json")
    assert ranges is not None
    return dict(ranges.spans)


@cache
def in_bytes() -> U2NetInBytes:
    """On one thread."""
    network = exact().network
    assert isinstance(network, U2Net)
    return U2NetInBytes(network, spans(), exact().prepare, SIZE, threads=1, weights=SharedWeights.create())


def test_its_map_is_close_to_that_in_float32() -> None:
    found, expected = in_bytes().infer(photo(CARD)[np.newaxis])[0], exact().predict([photo(CARD)])[0]
    assert np.ptp(expected) > 0.5  # a person is in the picture
    assert (found.shape, found.dtype) == (expected.shape, np.float32)
    assert np.abs(found - expected).mean() <= 0.008


def test_it_is_what_u2net_computes_in_eight_bits_here_on_any_number_of_threads() -> None:
    pictures = [photo(CARD), photo(CARD)[::-1, ::-1] // 2]
    together = load(CARD, "int8", Device.find("cpu", threads=2)).predict(pictures)
    alone = [in_bytes().infer(picture[np.newaxis])[0] for picture in pictures]
    assert np.array_equal(together, alone)


def test_pictures_that_are_not_halved_into_whole_pixels_are_left_to_openvino() -> None:
    assert can_run((320, 320))
    assert not can_run((320, 336))


@pytest.mark.parametrize(
    ("name", "span"),
    [("encoder.0.project", None), ("decoder.1.bottom", (-1.0, 2.0)), ("decoder.1.encoder.0", (0.0, 1234.0))],
)
def test_ranges_of_another_network_are_refused(name: str, span: Span | None) -> None:
    wrong = {key: value for key, value in spans().items() if key != name} | ({name: span} if span else {})
    small = SmallU2Net().requires_grad_(False)  # of the same names, with fewer weights to pack
    with pytest.raises(CannotQuantize, match="quantize it again"):
        Plan(wrong, Arena.of_zeros(1 << 24)).network(small, np.zeros((66, 66, 3), np.float32))
