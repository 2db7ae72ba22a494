"""A matte with a hand in it: what a person painted is obeyed, and grows along the photo as far as it goes."""

from service.pixels.correction.correct import correct
from service.pixels.correction.correction import NO_CORRECTION, Area, Correction, Layer
from service.pixels.correction.drawing import Line, drawn

__all__ = ["NO_CORRECTION", "Area", "Correction", "Layer", "Line", "correct", "drawn"]
