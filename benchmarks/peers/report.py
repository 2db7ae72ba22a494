"""The tables of `benchmarks/peers/compare.py`, for a terminal or as Markdown."""

import math
from collections.abc import Sequence

from rich.table import Table

from benchmarks.harness.machine import machine
from benchmarks.peers.agreement import Agreement
from benchmarks.peers.contenders import FASTAPI_ORT, MODEL, REMBG, extras
from benchmarks.peers.folders import Folder
from benchmarks.peers.installs import REMBG as REMBG_REQUIREMENT
from benchmarks.peers.record import Record
from benchmarks.peers.results import CONSOLE, Load, Results, ratio

HEADINGS = (
    "photo",
    "at once",
    "server",
    "answers/s",
    "x rembg",
    "x handler",
    "p50 s",
    "p95 s",
    "peak RSS MB",
    "PSS MB",
    "kB out",
    "rounds",
)

Row = tuple[str, ...]


def print_all(record: Record, markdown: bool) -> None:
    results = Results(record.cells)
    title = f"{MODEL}, JPEG to PNG cutout; {record.circumstances}"
    _print(title, HEADINGS, rows(results), markdown)
    _print(f"alpha beside that of {REMBG}, 1080p", AGREEMENT_HEADINGS, agreement_rows(record.agreements), markdown)
    _print("a folder of 1080p by command line, start included", FOLDER_HEADINGS, folder_rows(record.folders), markdown)
    for cell in results.failures():
        CONSOLE.print(f"FAILED  {cell.server}, {cell.photo}, {cell.concurrency} at once: {cell.failure}", markup=False)


def circumstances() -> str:
    """`2 cores of AMD EPYC with VNNI, 2026-11-25, torch 2.13.0, rembg 2.0.86; on in silhouette: refine=auto`."""
    return f"{machine()}, rembg {REMBG_REQUIREMENT.rpartition('=')[2]}; {_switched_on()}"


def _switched_on() -> str:
    named = ", ".join(f"{name}={str(value).lower()}" for name, value in extras().items())
    return f"on in silhouette: {named}; 'plain' is without" if named else "silhouette does no more than the peers"


def rows(results: Results) -> list[Row]:
    return [
        _row(results, server, load)
        for load in results.loads()
        for server in results.servers()
        if results.of(server, load)
    ]


def _row(results: Results, server: str, load: Load) -> Row:
    def figure(name: str, digits: int = 0) -> str:
        return _text(results.figure(server, load, name), digits)

    def beside(peer: str) -> str:
        return _text(ratio(results.figure(server, load, "goodput"), results.figure(peer, load, "goodput")), 2)

    measured = [cell for cell in results.of(server, load) if not cell.failure]
    speed = (figure("goodput", 2), beside(REMBG), beside(FASTAPI_ORT), figure("p50_s", 2), figure("p95_s", 2))
    size = (figure("peak_rss_mb"), figure("peak_pss_mb"), figure("answer_kb"))
    return (load[0], str(load[1]), server, *speed, *size, str(len(measured)))


def _text(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


AGREEMENT_HEADINGS = ("server", "alpha IoU at 0.5", "alpha MAE")


def agreement_rows(agreements: Sequence[Agreement]) -> list[Row]:
    return [(each.server, each.failure or _text(each.alpha_iou, 4), _text(each.alpha_mae, 4)) for each in agreements]


FOLDER_HEADINGS = ("command", "photos", "photos/s")


def folder_rows(folders: Sequence[Folder]) -> list[Row]:
    return [(each.command, str(each.photo_count), each.failure or _text(each.photos_per_s, 2)) for each in folders]


def _print(title: str, headings: Row, found: Sequence[Row], markdown: bool) -> None:
    if not found:
        return
    if markdown:
        lines = [headings, ("---",) * len(headings), *found]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        CONSOLE.print(f"{title}\n\n{text}\n", highlight=False, soft_wrap=True, markup=False)
        return
    table = Table(*headings, title=title, box=None, title_justify="left")
    for row in found:
        table.add_row(*row)
    CONSOLE.print(table, "")
