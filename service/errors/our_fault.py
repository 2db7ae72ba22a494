"""What we mend."""

from service.errors.failure import Failure


class OurFault(Failure):
    """A fault of the service. Its cause goes to the log, never to the caller."""


class ModelFailed(OurFault):
    code = "model_failed"
    title = "The model failed on this image"
    advice = "its cause is in the service's log under the id of this request; another model may see the picture"


class JobCrashed(OurFault):
    code = "job_crashed"
    title = "Whatever worked on this died each time"


class ModelCrashed(ModelFailed):
    code = "model_crashed"
    title = "Worker after worker died on this image"
    advice = "do not send it again as it is; what is known of it is in the service's log under the id of this request"
