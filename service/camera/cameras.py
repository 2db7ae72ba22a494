"""Reads a camera; or a film that stands for one, again and again and at its own pace, to try how it looks."""

import errno
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from service.configuration_errors import ConfigurationError
from service.errors import UnsupportedVideo
from service.models.labels import Size
from service.video.containers import opened as opened_film


@dataclass(frozen=True)
class System:
    """How an operating system hands out its cameras, by FFmpeg's names."""

    format: str
    first: str | None
    """The camera that is there as a rule; None where each has to be named."""
    how_to_list: str


SYSTEMS = {
    "linux": System("v4l2", "/dev/video0", "`ls /dev/video*` lists them"),
    "darwin": System("avfoundation", "0", "they are numbered from 0"),
    "win32": System("dshow", None, "the Device Manager lists them; name one as `video=NAME`"),
}

ADVICE = {
    errno.ENOENT: "there is none of that name",
    errno.ENODEV: "there is none of that name",
    errno.EBUSY: "another program has it: close that, or leave the meeting, first",
    errno.EACCES: "this user may not: on Linux, `sudo usermod -aG video $USER` and log in again",
    errno.ENOTTY: "it is no camera",
    errno.EINVAL: "it does not film in that size, or at that rate: try another --size or --rate",
}
"""What to do, by what the system says."""


def camera_name(wanted: str | None) -> str:
    """Raises ConfigurationError where one has to be named."""
    system = _system()
    name = wanted or system.first
    if name is None:
        raise ConfigurationError(f"--camera: say which one; {system.how_to_list}")
    return name


class Films(Protocol):
    """What a meeting needs of a camera."""

    def frames(self) -> Iterator[VideoFrame]:
        """As they come; on a thread of its own."""


class Camera:
    """One that is open. Raises ConfigurationError for one that cannot be had, in words with what to do."""

    def __init__(self, name: str, size: Size, rate: int) -> None:
        self.name = name
        self._is_film = Path(name).is_file()
        self._container = _opened_film(name) if self._is_film else _opened(name, size, rate)

    def frames(self) -> Iterator[VideoFrame]:
        """As they come; on a thread of its own. Ends where the camera is pulled out."""
        try:
            if self._is_film:
                yield from self._played()
            else:
                yield from self._container.decode(video=0)
        except av.FFmpegError:
            return

    def close(self) -> None:
        self._container.close()

    def _played(self) -> Iterator[VideoFrame]:
        """At the film's own pace, without an end."""
        while True:
            began_s = time.monotonic()
            for frame in self._container.decode(video=0):
                time.sleep(max(0.0, began_s + (frame.time or 0.0) - time.monotonic()))
                yield frame
            self._container.seek(0)


def _opened(name: str, size: Size, rate: int) -> InputContainer:
    system = _system()
    options = {"video_size": f"{size.width}x{size.height}", "framerate": str(rate)}
    try:
        return av.open(name, "r", format=system.format, options=options)
    except (OSError, ValueError) as error:
        advice = ADVICE.get(getattr(error, "errno", None) or 0, str(error))
        raise ConfigurationError(f"camera {name}: {advice}; {system.how_to_list}") from error


def _opened_film(name: str) -> InputContainer:
    try:
        return opened_film(Path(name))
    except UnsupportedVideo as failure:
        raise ConfigurationError(f"camera {name}: {failure.detail}") from failure


def _system() -> System:
    system = SYSTEMS.get(sys.platform)
    if system is None:
        raise ConfigurationError(f"cameras of {sys.platform} are not known here")
    return system
