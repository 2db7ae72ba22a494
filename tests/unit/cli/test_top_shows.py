"""What `silhouette top` shows, also where there is nobody to ask."""

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from service.cli.main import main
from service.cli.top.command import Away, read
from service.cli.top.frame import draw, draw_away
from service.cli.top.scrape import compare, parse
from service.telemetry.figures import added, rendered
from service.telemetry.metrics import STAGE_BUCKETS_S, Metrics
from service.telemetry.stopwatch import STAGES
from tests.unit.cli.top_metrics import SNAPSHOT, answer, changes, scrape_of

URL = "http://127.0.0.1:8000"


def printed(frame: RenderableType) -> str:
    paper = io.StringIO()
    Console(file=paper, width=80).print(frame)
    return paper.getvalue()


def test_several_fronts_are_shown_and_those_that_ended_are_counted(metrics: Metrics) -> None:
    front = metrics.figures()
    of_two = parse(rendered(added([front, front, Metrics().figures()])).decode(), 0.0)
    assert of_two.fronts == 2
    assert "fronts        2" in printed(draw(URL, of_two, compare(None, of_two)))
    metrics.front_restarts.inc(3)
    text = printed(draw(URL, scrape_of(metrics), changes(metrics)))
    assert "fronts" not in text.partition("new request")[0]
    assert "front ended: replaced" in text


def test_a_picture_that_is_fetched_is_a_stage_like_the_others(metrics: Metrics) -> None:
    metrics.stage_seconds.labels("fetch").observe(0.25)
    metrics.stage_seconds.labels("read").observe(0.1)
    (head,) = [
        line for line in printed(draw(URL, scrape_of(metrics), changes(metrics))).splitlines() if "stage" in line
    ]
    assert head.split() == ["stage", "read", "fetch"]


def test_a_frame_says_everything_within_80_columns(metrics: Metrics) -> None:
    answer(metrics, 0.2, route="/replace-background")
    answer(metrics, 0.001, "503", "deadline_unreachable", "/replace-background")
    for stage in STAGES:
        metrics.stage_seconds.labels(stage).observe(12.34)
    metrics.restarts.labels("failed_start").inc()
    metrics.requeued.labels("model_failed").inc(3)
    metrics.inferred.labels("deeplab-voc").inc(4)
    metrics.batch_size.labels("deeplab-voc").observe(4)
    earlier = scrape_of(metrics)
    metrics.requeued.labels("model_failed").inc(2)
    metrics.inferred.labels("deeplab-voc").inc(8)
    metrics.batch_size.labels("deeplab-voc").observe(8)
    for stage in STAGES:
        metrics.stage_seconds.labels(stage).observe(12.34)
    answer(metrics, 0.2, route="/replace-background")
    later = scrape_of(metrics, 10.0)
    lines = printed(draw(URL, later, compare(earlier, later))).splitlines()
    shown = [" ".join(line.split()) for line in lines]
    assert max(map(len, lines)) <= 80
    assert shown[0] == f"silhouette {URL} ready"
    for line in (
        "requests 0.1/s 1 in the last 10 s",
        "in flight 9 of 64 12.0 MB 34.0 megapixels",
        "queue interactive 5 bulk 2 oldest wait 1.50 s",
        "pixels interactive 3 bulk 1 threads busy 2",
        "new request would wait 2.50 s",
        "event loop 4.0 ms late",
        "/replace-background 1 0.1 175 ms 242 ms",
        "stage read fetch wait decode resize queue infer matte compose encode",
        "mean" + " 12.3 s" * len(STAGES),
        "deeplab-voc unloaded 8 0.8 8.0",
        "selfie asleep 0 0.0 -",
        "u2net loaded 0 0.0 -",
        "0 cuda:0 busy 700 MB 300 MB",
        "1 cuda:0 starting 700 MB 300 MB",
        "service 200 MB",
        "worker ended: failed_start 1",
        "re-queued: model_failed 5 +2",
        "answered: 503 deadline_unreachable 1",
    ):
        assert line in shown


def test_a_service_that_is_not_ready_is_shown_as_such() -> None:
    metrics = Metrics()
    metrics.watch(lambda: replace(SNAPSHOT, ready=False))
    scrape = scrape_of(metrics)
    assert "NOT READY" in printed(draw(URL, scrape, compare(None, scrape))).splitlines()[0]


def test_what_takes_longer_than_the_last_bucket_is_only_known_to_be_longer(metrics: Metrics) -> None:
    answer(metrics, STAGE_BUCKETS_S[-1] + 1)
    scrape = scrape_of(metrics)
    assert "> 60 s" in printed(draw(URL, scrape, compare(None, scrape)))


def test_a_service_that_is_away_is_shown_as_such() -> None:
    shown = printed(draw_away("http://[::1]:8000", "[Errno 111] Connection refused", 2.0))
    assert "http://[::1]:8000  AWAY" in shown
    assert "[Errno 111] Connection refused" in shown
    assert "trying again every 2 s" in shown


def test_nobody_there_is_away() -> None:
    with pytest.raises(Away):
        read("http://127.0.0.1:1")


def test_once_says_in_one_line_that_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--once", "--url", "http://127.0.0.1:1/"])
    said = capsys.readouterr()
    assert end.value.code == 1
    assert said.out == ""
    assert said.err.startswith("silhouette: http://127.0.0.1:1 is away: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://a:b:c"])
def test_an_address_that_cannot_be_one_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--once", "--url", url])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("silhouette: --url: ")


@pytest.mark.parametrize("interval", ["0", "-1", "soon", "nan"])
def test_an_interval_must_be_one(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--interval", interval])
    assert end.value.code == 2
    assert "--interval" in capsys.readouterr().err
