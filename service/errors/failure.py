"""What they all are, and what fits nowhere else."""


class Failure(Exception):
    """A request that cannot be answered as asked. `code` is stable: clients match on it."""

    code = "failure"
    title = "The request failed"
    advice = ""
    """What can be done about it, where whoever raises it knows no better."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or (f"{self.title}: {self.advice}" if self.advice else self.title)
        super().__init__(self.detail)


class DeadlineExceeded(Failure):
    code = "deadline_exceeded"
    title = "The request took too long"
    advice = "ask again when the service has less to do, or for less work: a smaller picture, or `effort=fast`"
