"""Works the photos of one command off, a few at a time, in their order."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.cli.address import key_headers
from service.cli.console import say
from service.cli.exit_codes import FAILED, INTERRUPTED
from service.cli.files.backend import Backend
from service.cli.files.destinations import Item
from service.cli.files.disk import not_empty, read_file, read_standard_input, write_result, write_whole
from service.cli.files.local import local_backend
from service.cli.files.plan import Plan, make_plan
from service.cli.files.remote import BULK, remote_backend
from service.cli.files.report import PhotoFailed, Report, Stopped
from service.cli.files.scan import STANDARD, tell_left_out
from service.cli.taking_turns import work_through
from service.configuration_errors import ConfigurationError


def run(chosen: argparse.Namespace) -> int:
    """The exit code: 1 where a photo has no result, 130 where Ctrl-C came first. Raises ConfigurationError."""
    plan = make_plan(chosen)
    report = Report(plan.errand.operation.name, len(plan.items) + len(plan.finds.unreadable), plan.finds.left_out)
    for path, reason in plan.finds.unreadable:
        report.failed(str(path), PhotoFailed("unreadable_file", reason))
    todo = [item for item in plan.items if not (chosen.skip_existing and _is_there(item, report))]
    standard_input = _standard_input(todo)
    code = work_off(todo, _backend(chosen, plan, len(todo)), report, standard_input) if todo else 0
    _tell(report, plan, code)
    if chosen.json:
        write_report(report, chosen.json)
    return code or (FAILED if report.count("failed") else 0)


def _backend(chosen: argparse.Namespace, plan: Plan, photo_count: int) -> AbstractAsyncContextManager[Backend]:
    if chosen.url is None:
        return local_backend(plan.errand, photo_count)
    headers = {**key_headers(chosen.api_key), **(BULK if photo_count > 1 else {})}
    return remote_backend(chosen.url, plan.errand, headers)


def work_off(
    items: Sequence[Item],
    opening: AbstractAsyncContextManager[Backend],
    report: Report,
    standard_input: bytes = b"",
) -> int:
    """The exit code, as far as the work itself is concerned: 0, or why it ended before the last photo."""
    try:
        with sigterm_as_ctrl_c():
            asyncio.run(_work_off(items, opening, report, standard_input))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Stopped as stopped:
        say(f"silhouette: {stopped}")
        return FAILED
    return 0


async def _work_off(
    items: Sequence[Item], opening: AbstractAsyncContextManager[Backend], report: Report, standard_input: bytes
) -> None:
    """As many photos at once as the backend has places."""
    async with opening as backend:
        await work_through(items, backend.places, "photos", Work(backend, report, standard_input).on)


@dataclass(frozen=True)
class Work:
    """What happens to one photo."""

    backend: Backend
    report: Report
    standard_input: bytes

    async def on(self, item: Item) -> None:
        """Read, answer, write. Whatever goes wrong with this photo is told, and is no other's business."""
        started_s = time.monotonic()
        try:
            photo = await asyncio.to_thread(self._read, item)
            result = await self.backend.answer(photo)
            await asyncio.to_thread(self._keep, item, result, started_s)
        except PhotoFailed as failure:
            self.report.failed(str(item.photo), failure, started_s)
        except (Stopped, ConfigurationError):
            raise
        except Exception as error:  # a bug of ours
            detail = f"Silhouette itself failed on it: {type(error).__name__}: {error}"
            self.report.failed(str(item.photo), PhotoFailed("internal_error", detail), started_s)

    def _read(self, item: Item) -> bytes:
        return read_file(item.photo.path) if item.photo.path else not_empty(self.standard_input)

    def _keep(self, item: Item, result: bytes, started_s: float) -> None:
        """Counted where it is written: a thread cannot be interrupted between the two."""
        write_result(item.target, result)
        self.report.done(item, started_s)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_there(item: Item, report: Report) -> bool:
    if item.target is None or not item.target.is_file():
        return False
    report.skipped(item)
    return True


def _standard_input(items: Sequence[Item]) -> bytes:
    """Read before the event loop runs: Ctrl-C could not end a thread that waits for it."""
    if not any(item.photo.path is None for item in items):
        return b""
    if sys.stdin.isatty():
        say("reading a picture from standard input")
    return read_standard_input()


def _tell(report: Report, plan: Plan, code: int) -> None:
    if report.left_out:
        say(tell_left_out(report.left_out))
    if code:
        again = ", run again with --skip-existing" if report.total > 1 else ""
        say(f"{report.have_results} of {report.total} done{again}")
    else:
        say(report.summary(plan.destination.told))


def write_report(report: Report, file: str) -> None:
    if file == STANDARD:
        sys.stdout.write(report.as_json().decode())
        return
    try:
        write_whole(Path(file), report.as_json())
    except OSError as error:
        raise OSError(error.errno, error.strerror, file) from error  # a full disk does not say which file it was
