"""What the networks said of a film, kept on disk while it is worked on, so that work that was cut short goes on there.

Looking is nearly all of the work, and its answers are small: 320 x 320 of a byte, 3 to 8 kB deflated. A film that is
taken up again is read and written anew, as if nothing had happened, but is not looked at twice.
"""

import hashlib
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]
"""(h, w): probabilities from 0 to 255."""

HEAD = struct.Struct("<IHHII")
"""The frame's number, height, width, the length of what follows, and its CRC-32."""

DEFLATE_LEVEL = 1
KNOWN_BYTES = 1 << 20


def identity_of(film: Path, *chosen: object) -> bytes:
    """32 bytes that say which film it is, and what was looked for: of its size, its ends and all of `chosen`."""
    total = hashlib.sha256(repr(chosen).encode())
    with film.open("rb") as file:
        size = file.seek(0, 2)
        total.update(struct.pack("<Q", size))
        for place in (0, max(0, size - KNOWN_BYTES)):
            file.seek(place)
            total.update(file.read(KNOWN_BYTES))
    return total.digest()


class KeptMattes:
    """One file: the identity, and then one record a frame. Threads may share it; close it when the film is done."""

    def __init__(self, path: Path, identity: bytes) -> None:
        """Takes up what is there, if it is of the same film; what was cut short at its end is dropped."""
        self.path = path
        self._lock = threading.Lock()
        self._places: dict[int, int] = {}
        self._file = self._taken_up(identity) or self._begun(identity)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Levels:
        with self._lock:
            self._file.seek(self._places[number])
            _, height, width, length, _ = HEAD.unpack(self._file.read(HEAD.size))
            deflated = self._file.read(length)
        return np.frombuffer(zlib.decompress(deflated), np.uint8).reshape(height, width)

    def add(self, number: int, levels: Levels) -> None:
        deflated = zlib.compress(levels.tobytes(), DEFLATE_LEVEL)
        with self._lock:
            place = self._file.seek(0, 2)
            self._file.write(HEAD.pack(number, *levels.shape, len(deflated), zlib.crc32(deflated)) + deflated)
            self._file.flush()  # so that it outlives this process
            self._places[number] = place

    def close(self) -> None:
        """A file without mattes goes: there is nothing to go on from."""
        with self._lock:
            self._file.close()
            if not self._places:
                self.path.unlink(missing_ok=True)

    def forget(self) -> None:
        """The film is done."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _begun(self, identity: bytes) -> BinaryIO:
        file = self.path.open("w+b")
        file.write(identity)
        return file

    def _taken_up(self, identity: bytes) -> BinaryIO | None:
        """None where there is nothing, or something else."""
        if not self.path.exists():
            return None
        file = self.path.open("r+b")
        if file.read(len(identity)) != identity:
            file.close()
            return None
        for number, place in _records(file):
            self._places[number] = place
        file.truncate()
        return file


def _records(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Number and place of each whole record; the file stands behind the last one of them in the end."""
    while True:
        place = file.tell()
        head = file.read(HEAD.size)
        if len(head) == HEAD.size:
            number, _, _, length, checksum = HEAD.unpack(head)
            deflated = file.read(length)
            if len(deflated) == length and zlib.crc32(deflated) == checksum:
                yield number, place
                continue
        file.seek(place)
        return
