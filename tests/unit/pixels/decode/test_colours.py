"""Colours that are told by numbers and not by an ICC profile, and what an ICC profile costs."""

import io
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import thread_time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    BT2020_TO_XYZ,
    GREY,
    GREY_ALPHA,
    MANY,
    P3_TO_XYZ,
    RGB,
    RGBA,
    SRGB_PROFILE,
    alpha_of,
    colours_of,
    hlg_signal,
    in_primaries,
    light_of,
    png_of,
    pq_signal,
    profile_with_red_and_green_swapped,
    saved,
    signal_of,
)

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


def patches() -> NDArray[np.uint8]:
    """(16, 16, 3): every mixture of four levels of red, green and blue, each on 2 x 2 pixels."""
    levels = np.array([0, 60, 150, 255], np.uint8)
    mixtures = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(8, 8, 3)
    return mixtures.repeat(2, axis=0).repeat(2, axis=1)


PATCHES = patches()
NITS = 203 * in_primaries(BT2020_TO_XYZ, PATCHES)
"""Of a picture whose white is as bright as the reference white of BT.2408."""

STORED: dict[str, tuple[Callable[[], NDArray[np.float64]], tuple[int, int]]] = {
    "Display P3": (lambda: signal_of(in_primaries(P3_TO_XYZ, PATCHES)), (12, 13)),
    "linear": (lambda: light_of(PATCHES), (1, 8)),
    "gamma 2.2": (lambda: light_of(PATCHES) ** (1 / 2.2), (1, 4)),
    "BT.2020": (lambda: signal_of(in_primaries(BT2020_TO_XYZ, PATCHES)), (9, 14)),
    "PQ": (lambda: pq_signal(NITS), (9, 16)),
    "HLG": (lambda: hlg_signal(NITS), (9, 18)),
    "sRGB": (lambda: PATCHES / 255, (1, 13)),
}
"""What `PATCHES` are in other spaces, 0 to 1, and the code points that say so."""


def is_patches(content: bytes, tolerance: float) -> bool:
    return bool(np.abs(colours_of(decode(content, MANY)) - PATCHES.astype(np.int16)).max() <= tolerance)


def levels(signal: NDArray[np.float64], most: int) -> NDArray[Any]:
    return np.rint(signal * most)


def cicp(primaries: int, transfer: int, full_range: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes((primaries, transfer, 0, full_range))


def gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


CHRM_P3 = b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
ICCP_SWAPPED = b"iCCP", b"x\0\0" + zlib.compress(profile_with_red_and_green_swapped())


@pytest.mark.parametrize("space", STORED)
def test_16_bits_of_every_space_are_the_picture(space: str) -> None:
    stored, codes = STORED[space]
    assert is_patches(png_of(levels(stored(), 65535), 16, RGB, cicp(*codes)), tolerance=1)


@pytest.mark.parametrize("space", ["Display P3", "gamma 2.2", "BT.2020", "PQ", "HLG", "sRGB"])
def test_8_bits_of_every_space_are_the_picture(space: str) -> None:
    """Eight bits of other curves than sRGB's have fewer levels, above all where a wide colour is barely in sRGB."""
    stored, codes = STORED[space]
    shown = colours_of(decode(png_of(levels(stored(), 255), 8, RGB, cicp(*codes)), MANY))
    assert np.abs(shown - PATCHES.astype(np.int16)).mean() < 1.5


@needs_avif
@pytest.mark.parametrize("space", ["Display P3", "PQ", "HLG"])
def test_an_avif_is_read_in_the_colours_that_it_names(space: str) -> None:
    stored, codes = STORED[space]
    picture = Image.fromarray(levels(stored(), 255).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1))
    content = saved(picture, "AVIF", quality=100, subsampling="4:4:4")
    place = content.index(b"colrnclx") + 8
    named = content[:place] + struct.pack(">HH", *codes) + content[place + 4 :]
    shown = colours_of(decode(named, MANY))[1::8, 1::8]
    assert np.abs(shown - PATCHES[::2, ::2].astype(np.int16)).mean() < 6


def test_video_range_is_stretched() -> None:
    stored = 16 + PATCHES / 255 * 219
    assert is_patches(png_of(np.rint(stored), 8, RGB, cicp(1, 13, full_range=0)), tolerance=1)


def test_what_is_brighter_than_white_is_white() -> None:
    nits = np.full((4, 4, 3), 1500.0)
    photo = decode(png_of(levels(pq_signal(nits), 65535), 16, RGB, cicp(9, 16)), MANY)
    assert (colours_of(photo) == 255).all()


@pytest.mark.parametrize("color_type", [GREY, GREY_ALPHA, RGBA])
def test_linear_light_is_read_in_every_kind_of_png(color_type: int) -> None:
    alpha = np.full((16, 16, 1), 0x8080)
    alpha[:8] = 0xFFFF
    colours = PATCHES if color_type == RGBA else PATCHES[..., :1]
    light = levels(light_of(colours), 65535)
    pixels = light[..., 0] if color_type == GREY else np.dstack([light, alpha])
    photo = decode(png_of(pixels, 16, color_type, gama(1.0)), MANY)
    assert np.abs(colours_of(photo) - colours.astype(np.int16)).max() <= 1
    if color_type != GREY:
        assert alpha_of(photo)[:, 0].tolist() == [255] * 8 + [128] * 8


@pytest.mark.parametrize(
    ("stored", "chunks"),
    [
        (light_of(PATCHES), [gama(1.0)]),
        (light_of(PATCHES) ** (1 / 1.8), [gama(1 / 1.8)]),
        (signal_of(in_primaries(P3_TO_XYZ, PATCHES)), [gama(0.45455), CHRM_P3]),
        (signal_of(in_primaries(P3_TO_XYZ, PATCHES)), [CHRM_P3]),
        (PATCHES / 255, [gama(0.45455)]),
        (PATCHES / 255, [(b"sRGB", b"\0"), gama(1.0), CHRM_P3]),
        (PATCHES / 255, [cicp(1, 13), ICCP_SWAPPED, gama(1.0)]),
        (PATCHES / 255, [cicp(2, 2), (b"sRGB", b"\0"), gama(1.0)]),
        (PATCHES / 255, [(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")), (b"sRGB", b"\0"), gama(1.0)]),
        (PATCHES / 255, [gama(0.0)]),
        (PATCHES / 255, [gama(1.0), (b"cHRM", bytes(32))]),
    ],
)
def test_a_png_is_read_by_the_word_that_counts_most(
    stored: NDArray[np.float64], chunks: list[tuple[bytes, bytes]]
) -> None:
    """cICP before iCCP before sRGB before gAMA and cHRM; what makes no sense is not heard."""
    assert is_patches(png_of(levels(stored, 65535), 16, RGB, *chunks), tolerance=1)


def test_a_profile_comes_before_srgb_and_gamma() -> None:
    photo = decode(png_of(np.full((4, 4, 3), (255, 0, 0)), 8, RGB, ICCP_SWAPPED, gama(0.45455)), MANY)
    assert colours_of(photo)[2, 2].tolist() == [0, 255, 0]


# --- ICC --------------------------------------------------------------------------------------------------------------


def cost_ms(content: bytes) -> float:
    """Of the fastest of three, in CPU time, so that others on the machine do not count."""
    times = []
    for _ in range(3):
        start = thread_time()
        decode(content, MANY)
        times.append(thread_time() - start)
    return min(times) * 1000


@pytest.mark.parametrize("profile", [SRGB_PROFILE, SRGB_PROFILE + bytes(1_000_000)], ids=["sRGB", "padded"])
def test_a_profile_that_is_srgb_changes_nothing_and_costs_little(profile: bytes) -> None:
    picture = Image.effect_noise((1000, 1000), 60).convert("RGB")
    plain, with_profile = (saved(picture, "BMP"), saved(picture, "TIFF", icc_profile=profile))
    assert np.array_equal(colours_of(decode(plain, MANY)), colours_of(decode(with_profile, MANY)))
    swapped = saved(picture, "TIFF", icc_profile=profile_with_red_and_green_swapped())
    assert cost_ms(with_profile) < cost_ms(swapped) / 2


def test_a_grey_picture_with_the_profile_of_srgbs_grey_is_left_as_it_is() -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    photo = decode(encoded(Image.fromarray(greys), "PNG"), MANY)
    assert np.array_equal(colours_of(photo)[..., 0], greys)


def test_threads_share_transforms() -> None:
    content = saved(Image.effect_noise((200, 200), 60).convert("RGB"), "TIFF", icc_profile=linear_profile())
    alone = decode(content, MANY).rgb.tobytes()
    with ThreadPoolExecutor(4) as threads:
        assert {photo.rgb.tobytes() for photo in threads.map(lambda _: decode(content, MANY), range(40))} == {alone}


def linear_profile() -> bytes:
    """sRGB's primaries with a gamma of 1.0."""
    profile = bytearray(SRGB_PROFILE)
    place = profile.index(b"para", 128)
    profile[place + 8 : place + 16] = struct.pack(">HHi", 0, 0, 65536)
    ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile)))
    return bytes(profile)
