"""Where a file that is added comes from: this machine, or an address."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import HttpUrl

from service.cli.console import download_progress
from service.configuration_errors import ConfigurationError
from service.models.store.card import FileSource, HttpsSource, Source


@dataclass(frozen=True)
class Original:
    """A file, and what its card says of where it is from."""

    file: Path
    source: Source

    @property
    def file_name(self) -> str:
        """As a card may hold it."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.file.name)


@contextlib.contextmanager
def bring_original(source: str, max_bytes: int) -> Iterator[Original]:
    """Raises ConfigurationError where there is no such file, and PullFailed where it cannot be downloaded."""
    if "://" not in source:
        file = Path(source)
        if not file.is_file():
            raise ConfigurationError(f"{file}: no such file")
        yield Original(file, FileSource(kind="file", path=file.resolve()))
        return
    if not source.startswith("https://"):
        raise ConfigurationError(f"{source}: only https addresses, as nothing else says whose file it is")
    with tempfile.TemporaryDirectory() as folder:
        file = _download(source, Path(folder) / "model.onnx", max_bytes)
        yield Original(file, HttpsSource(kind="https", url=HttpUrl(source)))


def _download(url: str, target: Path, max_bytes: int) -> Path:
    from service.models.store.sources import bring

    with download_progress() as progress:
        task = progress.add_task(target.name, total=None)
        return bring(url, target, max_bytes, lambda done, _: progress.update(task, completed=done))
