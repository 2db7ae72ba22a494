"""Everything that can go wrong, sorted by who can mend it. Knows no HTTP: `api/problems.py` does.

What the operator mends before the service can start is in `configuration_errors.py`.

Failure
  BadInput              the caller changes the request
  Unavailable           the caller tries again later
  DeadlineExceeded      the answer would have come too late
  OurFault              we mend it
"""


class Failure(Exception):
    """A request that cannot be answered as asked. `code` is stable: clients match on it."""

    code = "failure"
    title = "The request failed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


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


class TooManyVertices(BadInput):
    code = "too_many_vertices"
    title = "The outlines have too many corners for polygons"


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


class JobUnfinished(BadInput):
    code = "job_unfinished"
    title = "The job has no result yet"


class UnknownBatch(BadInput):
    code = "unknown_batch"
    title = "There is no such batch"


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


class Unavailable(Failure):
    """The caller may send the same request again after `retry_after_s` seconds."""

    def __init__(self, detail: str = "", retry_after_s: int = 1, queue_depth: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.queue_depth = queue_depth


class NotReady(Unavailable):
    code = "not_ready"
    title = "The service is not ready"


class QueueFull(Unavailable):
    code = "queue_full"
    title = "The queue is full"


class TooManyConnections(Unavailable):
    code = "too_many_connections"
    title = "There are as many connections as the service takes"


class TooManyUploads(Unavailable):
    code = "too_many_uploads"
    title = "There are as many uploads on their way as the service takes"


class TooManyFetches(Unavailable):
    code = "too_many_fetches"
    title = "There are as many pictures being fetched as the service takes"


class TooManySessions(Unavailable):
    code = "too_many_sessions"
    title = "There are as many live sessions as the service takes"


class TooManyJobs(Unavailable):
    code = "too_many_jobs"
    title = "There are as many jobs as the service takes"


class StorageFull(Unavailable):
    code = "storage_full"
    title = "The service has no disk left for jobs"


class DeadlineUnreachable(Unavailable):
    code = "deadline_unreachable"
    title = "The queue is longer than the request can wait"


class OutOfDeviceMemory(Unavailable):
    code = "out_of_memory"
    title = "The device has no memory for this image now"


class Draining(Unavailable):
    code = "draining"
    title = "The service is shutting down"


class QuotaExceeded(Unavailable):
    code = "quota_exceeded"
    title = "The key's quota is used up"


class DeadlineExceeded(Failure):
    code = "deadline_exceeded"
    title = "The request took too long"


class OurFault(Failure):
    """A fault of the service. Its cause goes to the log, never to the caller."""


class ModelFailed(OurFault):
    code = "model_failed"
    title = "The model failed on this image"


class JobCrashed(OurFault):
    code = "job_crashed"
    title = "The service died each time it worked on this"


class ModelCrashed(ModelFailed):
    code = "model_crashed"
    title = "Worker after worker died on this image"
