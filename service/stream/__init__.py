"""Live sessions: frames of a camera come in, mattes or composed frames go out. Knows no HTTP and no sockets."""

from service.stream.streams import Streams

__all__ = ["Streams"]
