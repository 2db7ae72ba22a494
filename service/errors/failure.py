"""What they all are, and what fits nowhere else."""


class Failure(Exception):
    """A request that cannot be answered as asked. `code` is stable: clients match on it."""

    code = "failure"
    title = "The request failed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class DeadlineExceeded(Failure):
    code = "deadline_exceeded"
    title = "The request took too long"
