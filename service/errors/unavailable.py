"""What the caller tries again later."""

from service.errors.failure import Failure


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
    title = "The service has no room left for jobs"


class JobsAway(Unavailable):
    code = "jobs_away"
    title = "What keeps the service's jobs cannot be reached"


class DeadlineUnreachable(Unavailable):
    code = "deadline_unreachable"
    title = "The queue is longer than the request can wait"


class OutOfDeviceMemory(Unavailable):
    code = "out_of_memory"
    title = "The device has no memory for this image now"
    advice = "ask again in a while, or for a smaller `model`"


class Draining(Unavailable):
    code = "draining"
    title = "The service is shutting down"
    advice = "ask again when it, or another one in its place, answers at this address"


class QuotaExceeded(Unavailable):
    code = "quota_exceeded"
    title = "The key's quota is used up"
