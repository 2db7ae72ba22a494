"""The picture of where a request's time goes."""

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.speed.bars import LEFT_PX, RIGHT_PX, WIDTH_PX, Bar, draw
from benchmarks.speed.stages import Timing, median_bar, parse_server_timing

SVG = "{http://www.w3.org/2000/svg}"


def test_a_server_timing_header_is_read_in_its_order() -> None:
    found = parse_server_timing("decode;dur=9.5, infer;dur=310.0, encode;dur=0.1")
    assert list(found.items()) == [("decode", 9.5), ("infer", 310.0), ("encode", 0.1)]


def test_what_no_stage_took_is_http() -> None:
    timings = [Timing(10 + extra, {"decode": 2.0 + extra, "infer": 5.0}) for extra in (0, 1, 7)]
    assert median_bar("1080p", timings).parts_ms == {"decode": 3.0, "infer": 5.0, "HTTP": 3.0}


def test_the_longest_bar_fills_the_picture_and_each_part_is_as_wide_as_its_share() -> None:
    bars = [Bar("long", {"a": 30, "b": 10}), Bar("short", {"a": 10, "b": 10})]
    picture = ElementTree.fromstring(draw(bars, "a < b", "here & now"))
    widths = [
        float(part.attrib["width"]) for part in picture.iter(f"{SVG}rect") if part.find(f"{SVG}title") is not None
    ]
    assert sum(widths[:2]) == pytest.approx(WIDTH_PX - LEFT_PX - RIGHT_PX, abs=0.2)
    assert widths == pytest.approx([widths[0], widths[0] / 3, widths[0] / 3, widths[0] / 3], abs=0.2)
    said = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"a < b", "here & now", "long", "40 ms", "30"} <= set(said)


def test_there_is_a_colour_for_however_many_stages() -> None:
    parts = {f"stage {number}": 1.0 for number in range(20)}
    assert draw([Bar("1080p", parts)], "a request", "measured").count("<rect") >= len(parts)
