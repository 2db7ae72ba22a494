"""`product-shot`: the subject cut out and set on a clean page, with a shadow that grounds it."""

from PIL import Image

from service.models.labels import Size
from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.operation import Picture
from service.operations.product_shot.layout import Layout
from service.operations.product_shot.options import ProductShotOptions
from service.pixels.backdrop import fit_backdrop
from service.pixels.encoders.pictures import OPAQUE_PICTURE
from service.pixels.matting import subject_box
from service.pixels.shadows import SHADOWS, shade


def product_shot(scene: Scene, options: ProductShotOptions) -> Image.Image:
    """The subject on its page; RGBA only where the page is transparent."""
    found = subject_box(scene.matte)
    subject = scene.cut_out(options.decontaminate).crop(found or (0, 0, *scene.photo.size))
    layout = Layout.of(Size(*subject.size), options)
    page = _page(scene, layout.page, options)
    left, top, right, bottom = layout.box
    placed = Image.new("RGBA", layout.page)
    placed.paste(subject.resize((right - left, bottom - top), Image.Resampling.LANCZOS, reducing_gap=3.0), (left, top))
    if options.shadow != "none":
        shade(page, SHADOWS[options.shadow](placed.getchannel("A"), layout.box), options.shadow_opacity)
    if page.mode == "RGB":
        page.paste(placed, (0, 0), placed)
    else:
        page.alpha_composite(placed)
    return page


def _page(scene: Scene, size: Size, options: ProductShotOptions) -> Image.Image:
    if background := scene.pictures.get("background"):
        fitted = fit_backdrop(background, size, options.fit)
        return fitted.with_alpha()
    is_opaque = options.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", size, options.rgba[: 3 if is_opaque else 4])


PRODUCT_SHOT = Effect(
    name="product-shot",
    summary="Set the subject on a clean page",
    description="The subject cut out, as large as the page allows, on a colour or a picture, with or without a shadow.",
    options=ProductShotOptions,
    icon=(
        "M4 9.5 12 6l8 3.5v7L12 20l-8-3.5Z",
        "M4 9.5 12 13l8-3.5M12 13v7",
        "M6 22.5h12",
    ),
    formats=OPAQUE_PICTURE,
    page=lambda photo, options: Layout.of(photo, options).page,
    pictures=(Picture("background", "What the page shows.", instead_of="color"), *CORRECTION),
    example={"preset": "marketplace-white"},
    compose=product_shot,
)
