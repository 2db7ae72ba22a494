"""How long work takes, learnt from what was done, of which the newest counts most. Arithmetic only: it has no clock."""


class Pace:
    """How long images take, learnt from those that ran."""

    WEIGHT = 0.2
    """Of the newest measurement: about the last ten images count."""

    def __init__(self) -> None:
        self._image_s: dict[str, float] = {}

    def observe(self, model: str, run_s: float, images: int) -> None:
        """A batch of `images` took `run_s`."""
        newest = run_s / images
        known = self._image_s.get(model, newest)
        self._image_s[model] = known + self.WEIGHT * (newest - known)

    def expected_s(self, model: str, images: int = 1) -> float:
        """What so many images will take one worker; 0 as long as nothing is known."""
        return self._image_s.get(model, 0.0) * images


class SizedPace:
    """How long work of one kind takes by its size: a straight line through what was seen, time = fixed + slope * size.

    A line, because small pictures say little of large ones: decoding has fixed costs, which for a thumbnail are all.
    """

    REMEMBERED = 0.9
    """Of the weight of what was seen, with each new measurement: about the last ten count."""

    SAME_SIZE = 0.9
    """Of the largest: from here on another one is as large, and tells what the largest take."""

    SLACK = 2.0
    """Options make work take half as long or twice as long as other work of its size."""

    REACH = 4.0
    """Of the largest: the line is not drawn any further. Thumbnails say nothing of what photos take, and to refuse
    somebody for a guess is worse than to let others wait."""

    LEAST_SIZE = 1e-6
    """One pixel, in megapixels. Time by anything smaller is beyond all measure."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._size = 0.0
        self._seconds = 0.0
        self._size_variance = 0.0
        self._covariance = 0.0
        self._largest = self.LEAST_SIZE
        self._largest_s = 0.0

    def observe(self, size: float, seconds: float) -> None:
        """Work of `size` took `seconds`.

        Source: Finch 2009, "Incremental calculation of weighted mean and variance"; the covariance likewise.
        """
        size = max(size, self.LEAST_SIZE)
        self._weight = self._weight * self.REMEMBERED + 1
        share = 1 / self._weight
        away, late = size - self._size, seconds - self._seconds
        self._size += share * away
        self._seconds += share * late
        self._size_variance = (1 - share) * (self._size_variance + share * away * away)
        self._covariance = (1 - share) * (self._covariance + share * away * late)
        if size >= self.SAME_SIZE * self._largest or seconds > self._largest_s:
            self._largest, self._largest_s = max(size, self._largest), seconds

    def expected_s(self, size: float) -> float:
        """Never negative; 0 as long as nothing is known."""
        if not self._weight:
            return 0.0
        slope = self._slope()
        fixed_s = max(0.0, self._seconds - slope * self._size)
        return min(fixed_s + slope * size, self._at_most_s(size))

    def _at_most_s(self, size: float) -> float:
        """What is no larger than the largest takes no longer, whatever a line through small ones says."""
        return self.SLACK * self._largest_s * min(max(1.0, size / self._largest), self.REACH)

    def _slope(self) -> float:
        """Seconds by size, and 0 to what it would be if there were no fixed costs."""
        through_zero = self._seconds / self._size
        if self._size_variance <= 1e-6 * self._size * self._size:  # all were of one size
            return through_zero
        return min(max(0.0, self._covariance / self._size_variance), through_zero)
