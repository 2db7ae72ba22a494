"""Frames that were filmed as two halves, one after the other, become whole."""

from collections.abc import Iterator

import av
from av.filter import Graph
from av.video.frame import VideoFrame


class Deinterlacer:
    """Leaves frames alone until the first that is interlaced has come. From then on bwdif (LGPL) sees them all, and
    touches those that say that they are.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self._stream = stream
        self._graph: Graph | None = None

    def whole(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frame, or those that the filter has ready."""
        if self._graph is None and frame.interlaced_frame:
            self._graph = self._built(frame)
        if self._graph is None:
            yield frame
            return
        self._graph.vpush(frame)
        yield from self._ready()

    def rest(self) -> Iterator[VideoFrame]:
        """No more will come."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._ready()

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._stream.time_base
        )
        filter_ = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(filter_)
        filter_.link_to(sink)
        graph.configure()
        return graph

    def _ready(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
