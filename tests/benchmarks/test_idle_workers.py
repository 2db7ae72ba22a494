"""benchmarks/speed/idle_workers.py: what is read out of `/metrics`, and what counts as idle."""

import pytest

from benchmarks.speed.idle_workers import Look, Watched

METRICS = """\
# TYPE silhouette_stage_seconds histogram
silhouette_stage_seconds_count{stage="infer"} 4.0
silhouette_stage_seconds_sum{stage="infer"} 3.0
silhouette_stage_seconds_sum{stage="decode"} 9.0
# TYPE silhouette_worker_state gauge
silhouette_worker_state{worker="0",device="cpu",state="idle"} 1.0
silhouette_worker_state{worker="1",device="cpu",state="busy"} 1.0
# TYPE silhouette_queue_depth gauge
silhouette_queue_depth{lane="interactive"} 2.0
silhouette_queue_depth{lane="bulk"} 1.0
# TYPE silhouette_pixel_queue_depth gauge
silhouette_pixel_queue_depth{lane="interactive"} 5.0
# TYPE silhouette_pixel_threads_busy gauge
silhouette_pixel_threads_busy 2.0
"""


def test_a_look_is_read_out_of_the_metrics() -> None:
    assert Look.of(METRICS) == Look(3.0, 4.0, workers=2, idle=1, queued=3.0, pixel_stages=7.0)


def test_a_worker_is_idle_beside_the_queue_or_beside_pixels_but_not_both() -> None:
    looks = [Look(0.0, 0.0, 2, idle=2, queued=1.0, pixel_stages=9.0), Look(6.0, 6.0, 2, 0, 4.0, 9.0)]
    watched = Watched(16, looks, seconds=4.0)
    assert (watched.idle_beside_queue, watched.idle_beside_pixels) == (0.25, 0.25)
    assert watched.computing == pytest.approx(0.75)
    assert watched.run_ms == pytest.approx(1000)
