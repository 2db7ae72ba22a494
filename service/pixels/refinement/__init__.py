"""A network's coarse answer, enlarged to the photo's size with its edges where the photo has them."""

from service.pixels.refinement.cascade import refine, refine_each

__all__ = ["refine", "refine_each"]
