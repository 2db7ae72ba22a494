"""Who is still to be told of an end, from that moment on, whoever is killed."""

from dataclasses import dataclass

DELAYS_S = (5, 30, 120, 600, 3_600, 21_600)
"""Between two tries; then it is given up."""


@dataclass(frozen=True)
class Delivery:
    """One webhook that is due."""

    id: str
    """The same at each try: its receiver can see what it has heard already."""
    subject: str
    """The id of the job or the batch that has ended."""
    owner: str
    url: str
    attempts: int
    """That failed."""
