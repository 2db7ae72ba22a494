"""What the caller mends by changing the request."""

from typing import Self

from service.errors.failure import Failure


class BadInput(Failure):
    """The caller can mend this by changing the request."""


class UnsupportedImage(BadInput):
    code = "unsupported_image"
    title = "Not an image format we read"


class UnsupportedBody(BadInput):
    code = "unsupported_body"
    title = "Not a request body we read"


class MalformedForm(BadInput):
    code = "malformed_form"
    title = "The form could not be parsed"


class MalformedJson(BadInput):
    code = "malformed_json"
    title = "The body is not the JSON that is read here"


class MissingImage(BadInput):
    code = "missing_image"
    title = "The request has no image"


class UndecodableImage(BadInput):
    code = "undecodable_image"
    title = "The image could not be decoded"


class TruncatedImage(UndecodableImage):
    code = "truncated_image"
    title = "The image ends too early"


class TooManyPixels(BadInput):
    code = "too_many_pixels"
    title = "The image has too many pixels"


class TooManyBytes(BadInput):
    code = "too_many_bytes"
    title = "The upload is too large"


class SlowUpload(BadInput):
    code = "slow_upload"
    title = "The upload took too long"


class BadOption(BadInput):
    code = "bad_option"
    title = "An option has a value we cannot use"


class UnknownOption(BadOption):
    code = "unknown_option"
    title = "There is no such option"


class UnknownModel(BadInput):
    code = "unknown_model"
    title = "No such model is loaded"


class ModelsUnchanged(BadInput):
    code = "models_unchanged"
    title = "The models could not be changed"


class NotAcceptable(BadInput):
    code = "not_acceptable"
    title = "The result does not come in a format you accept"


class NoForeground(BadInput):
    code = "no_foreground"
    title = "No subject was found"
    way_out = "; allow_empty=true returns the empty result"
    """How its detail ends, for callers who have that option: those of doors do not."""


class TooManyVertices(BadInput):
    code = "too_many_vertices"
    title = "The outlines have too many corners for polygons"


class RangeNotSatisfiable(BadInput):
    code = "range_not_satisfiable"
    title = "The file ends before the part that was asked for"

    def __init__(self, detail: str = "", size_bytes: int | None = None) -> None:
        super().__init__(detail)
        self.size_bytes = size_bytes
        """Of the file, where it is known."""


class MalformedRequest(BadInput):
    code = "malformed_request"
    title = "What was sent is not HTTP"


class LargeHeaders(BadInput):
    code = "large_headers"
    title = "The headers are too large"


class SlowHeaders(BadInput):
    code = "slow_headers"
    title = "The headers took too long"


class HostNotAllowed(BadInput):
    code = "host_not_allowed"
    title = "The service does not answer under this name"


class MalformedMessage(BadInput):
    code = "malformed_message"
    title = "A message of the stream could not be read"


class OriginRefused(BadInput):
    code = "origin_refused"
    title = "Pages of this origin may not ask for this"


class SlowHello(BadInput):
    code = "slow_hello"
    title = "The stream began without a hello"


class IdleSession(BadInput):
    code = "idle"
    title = "Nothing went on in the session"


class NotOffered(BadInput):
    code = "not_offered"
    title = "The contract has this, and this service does not"


class UnsupportedVideo(BadInput):
    code = "unsupported_video"
    title = "Not a film that we read"


class UndecodableVideo(BadInput):
    code = "undecodable_video"
    title = "The film could not be decoded"


class VideoTooLong(BadInput):
    code = "video_too_long"
    title = "The film is too long"


class UnknownJob(BadInput):
    code = "unknown_job"
    title = "There is no such job"

    @classmethod
    def of(cls, id_: str) -> Self:
        return cls(f"there is no job {id_!r}, or not any more")


class JobUnfinished(BadInput):
    code = "job_unfinished"
    title = "The job has no result yet"


class ResultGone(BadInput):
    code = "result_gone"
    title = "The job has no result any more"


class UnknownBatch(BadInput):
    code = "unknown_batch"
    title = "There is no such batch"

    @classmethod
    def of(cls, id_: str) -> Self:
        return cls(f"there is no batch {id_!r}, or not any more")


class KeyReused(BadInput):
    code = "idempotency_key_reused"
    title = "The idempotency key was sent with another request"


class RequestInProgress(BadInput):
    code = "request_in_progress"
    title = "A request with this idempotency key is being read"


class MissingKey(BadInput):
    code = "missing_key"
    title = "This service wants a key"


class UnknownKey(BadInput):
    code = "unknown_key"
    title = "The service does not know this key"
    advice = "it is mistyped or was revoked; whoever runs the service can make another one"


class ScopeMissing(BadInput):
    code = "scope_missing"
    title = "The key is not good for this"


class FetchingOff(BadInput):
    code = "fetching_off"
    title = "This service fetches no pictures"


class UrlRefused(BadInput):
    code = "url_refused"
    title = "The URL is not one that this service fetches"


class FetchFailed(BadInput):
    code = "fetch_failed"
    title = "The picture could not be fetched"
