"""A ZIP as it is sent: one file of it in memory at a time, however many there are."""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time ZIP can say
READABLE_FILE = 0o100644 << 16  # Unix mode, where `unzip` looks for it

UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
"""Not in a name of Windows, or not in any."""

MOST_CHARACTERS = 100

NAMELESS = "picture"


class _Window(io.BytesIO):
    """The end of a file whose beginning is gone. `zipfile` goes back within an entry, to its header, and no further:
    so the sizes stand before the bytes, as readers of a stream want them."""

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    def tell(self) -> int:
        return self._gone + super().tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._gone + super().seek(offset - self._gone if whence == io.SEEK_SET else offset, whence)

    def take(self) -> bytes:
        """All that is there, which is gone then."""
        taken = self.getvalue()
        self._gone += len(taken)
        super().seek(0)
        self.truncate()
        return taken


def zip_stream(files: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """Stored, not deflated: pictures are compressed already. Equal files give equal bytes."""
    window = _Window()
    with zipfile.ZipFile(window, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE_FILE
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
            yield window.take()
    yield window.take()


def safe_name(given: str | None) -> str:
    """What a file may be called anywhere: no folders, nothing hidden, no characters that mean something else."""
    name = PureWindowsPath(unicodedata.normalize("NFC", given or "")).name  # takes both slashes, and drive letters
    name = UNSAFE.sub("_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return f"{(stem or suffix)[:MOST_CHARACTERS]}{dot and stem and dot + suffix[:10]}" or NAMELESS


class Names:
    """Keeps the names in one archive apart, also where upper and lower case are one."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unused(self, stem: str, suffix: str) -> str:
        """`cat.png`, or `cat (2).png`."""
        name, number = f"{stem}{suffix}", 1
        while name.lower() in self._used:
            number += 1
            name = f"{stem} ({number}){suffix}"
        self._used.add(name.lower())
        return name
