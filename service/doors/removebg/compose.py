"""The picture of a result: the subject in its place, what lies behind it, and its shadow between the two."""

from dataclasses import dataclass

from PIL import Image

from service.doors.removebg.layout import Box, Layout
from service.doors.removebg.parameters import Parameters
from service.models.labels import Size
from service.operations.effect import Scene
from service.pixels.backdrop import fit_backdrop
from service.pixels.decode import Photo
from service.pixels.shadows import SHADOWS, shade

STYLES = {"drop": "drop", "3D": "contact", "car": "contact", "auto": "contact"}
"""What the contract calls them, and what we do."""


@dataclass(frozen=True)
class Shadow:
    """What the subject throws."""

    style: str
    """Of `SHADOWS`."""
    opacity: float
    """0 to 1, where it is darkest."""

    @classmethod
    def of(cls, parameters: Parameters, kind: str) -> "Shadow | None":
        """For a foreground of that type; None where it is to have none."""
        shadow, opacity = parameters.shadow(kind)
        return cls(STYLES[shadow], opacity) if shadow in STYLES else None


def compose(scene: Scene, box: Box, layout: Layout, shadow: Shadow | None, parameters: Parameters) -> Image.Image:
    """RGB, RGBA, or L for the alpha alone. `box` has the subject in the scene, and `layout` says where it goes."""
    if parameters.channels == "alpha":
        return _placed(scene.matte.crop(box), layout)
    subject = _placed(scene.cut_out(decontaminate=True).crop(box), layout)
    page = _page(scene.pictures.get("background"), layout.canvas, parameters)
    if shadow is None:
        return subject if page is None else _over(subject, page)
    page = page or Image.new("RGBA", layout.canvas)
    shade(page, SHADOWS[shadow.style](subject.getchannel("A"), layout.subject), shadow.opacity)
    return _over(subject, page)


def _placed(subject: Image.Image, layout: Layout) -> Image.Image:
    """In its place on a canvas of nothing."""
    left, top, right, bottom = layout.subject
    if subject.size != (right - left, bottom - top):
        subject = subject.resize((right - left, bottom - top), Image.Resampling.LANCZOS, reducing_gap=3.0)
    placed = Image.new(subject.mode, layout.canvas)
    placed.paste(subject, (left, top))
    return placed


def _page(background: Photo | None, size: Size, parameters: Parameters) -> Image.Image | None:
    """What lies behind the subject, to be painted on; None where nothing does."""
    if background is not None:
        return fit_backdrop(background, size, "cover").with_alpha()
    if parameters.bg_color is None:
        return None
    is_opaque = parameters.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", size, parameters.rgba[: 3 if is_opaque else 4])


def _over(subject: Image.Image, page: Image.Image) -> Image.Image:
    if page.mode == "RGB":
        page.paste(subject, (0, 0), subject)
    else:
        page.alpha_composite(subject)
    return page
