"""Opens files that may be films, and nothing else: no playlist leads FFmpeg to another file or to the network."""

from pathlib import Path

import av
from av.container import InputContainer

from service.errors import UnsupportedVideo

CONTAINERS = (
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif", "mxf", "ivf", "dv"),
    *("h264", "hevc", "mpegvideo", "yuv4mpegpipe", "nut"),
)
"""As FFmpeg calls them; `mov` is MP4 and 3GP as well. Playlists (HLS, DASH, concat) and devices are not here."""

OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}


def opened(path: Path) -> InputContainer:
    """Raises UnsupportedVideo for what is no film, or of no kind that is read."""
    try:
        return av.open(f"file:{path}", "r", options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnsupportedVideo("it is no film of a kind that is read, or its beginning is damaged") from error
