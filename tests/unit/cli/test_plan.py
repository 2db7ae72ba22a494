"""`silhouette plan`: arithmetic on figures that were measured."""

import math

import pytest

from service.cli.main import main
from service.cli.plan.arithmetic import BUSY, Wanted, cores, fronts, machines, plan
from service.cli.plan.figures import FRONT, LOCK, NETWORK, SIZES, SUPERVISOR


def result(wanted: Wanted, what: str) -> str:
    (line,) = (line for line in plan(wanted) if line.what.startswith(what))
    return line.result


def test_cores_are_what_an_answer_takes_times_how_many_there_are() -> None:
    answer_s = (NETWORK.value + SIZES["1080p"].pixels.value + FRONT.value) / 1000
    assert cores(Wanted(200, "1080p", 32)) == pytest.approx(200 * answer_s / BUSY)
    assert machines(Wanted(200, "1080p", 32)) == math.ceil(200 * answer_s / BUSY / 32)


def test_with_gpus_the_cores_are_for_pixels_alone() -> None:
    wanted = Wanted(200, "1080p", 32, gpu="h100", images_per_s=400)
    assert cores(wanted) == pytest.approx(200 * (SIZES["1080p"].pixels.value + FRONT.value) / 1000 / BUSY)
    assert result(wanted, "GPUs (h100)") == str(math.ceil(200 / 400 / BUSY))


def test_what_the_network_takes_elsewhere_may_be_said() -> None:
    assert cores(Wanted(100, "1080p", 32, network_ms=NETWORK.value + 100)) == pytest.approx(
        cores(Wanted(100, "1080p", 32)) + 100 * 0.1 / BUSY
    )


def test_what_nobody_has_measured_is_not_made_up() -> None:
    assert "not measured by us" in result(Wanted(200, "1080p", 32, gpu="h100"), "GPUs (h100)")


def test_a_machine_has_two_photos_in_flight_for_each_place_of_its_workers_and_one_for_each_core() -> None:
    on_cpus, on_gpus = Wanted(200, "1080p", 32), Wanted(200, "1080p", 64, gpu="h100", images_per_s=100)
    assert result(on_cpus, "photos in flight") == str(2 * 32 + 32)
    assert (result(on_gpus, "GPUs"), result(on_gpus, "machines")) == ("3", "1")
    assert result(on_gpus, "photos in flight") == str(2 * 3 * 8 + 64)


def test_there_are_as_many_fronts_as_the_lock_demands_and_no_supervisor_has_too_many() -> None:
    few_cores_wanted = Wanted(10_000, "1080p", machine_cores=100_000)
    assert fronts(few_cores_wanted) == math.ceil(10_000 * (LOCK.value + FRONT.value) / 1000 / BUSY)
    assert machines(few_cores_wanted) == math.ceil(10_000 * SUPERVISOR.value / 1000 / BUSY)


def test_larger_pictures_take_more_of_everything_but_the_network() -> None:
    small, large = (Wanted(50, size, 32) for size in ("1080p", "12mp"))
    assert cores(large) > cores(small)
    assert result(large, "cores for the network") == result(small, "cores for the network")


def test_the_command_prints_what_is_needed_its_formulas_and_where_they_are_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--rps", "200", "--size", "1080p", "--gpu", "h100"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    for expected in ("200 answers a second of 1080p", "SILHOUETTE_FRONTS", "not measured by us", "bench-before"):
        assert expected in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rps", "0"],
        ["--rps", "nan"],
        ["--rps", "1", "--size", "8k"],
        ["--rps", "1", "--cores", "0"],
        ["--rps", "1", "--images-per-second", "900"],
        [],
    ],
)
def test_a_plan_for_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", *arguments])
    assert ended.value.code == 2
