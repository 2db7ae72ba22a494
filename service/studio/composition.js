// A request's picture, put together in this page at once, of a photo and the subject that was cut out of it. The formulas are
// those of service/operations/, and no colour differs from theirs by more than two levels.

import { blurredBackground } from "./blur.js";
import { alphaOf, drawInMiddle, drawn, empty, fill, greyOf, pixelsOf } from "./pixels.js";
import { productShot } from "./product_shot.js";

/** Options for which a network has to look anew; the subject's edges are made from what it saw. */
export const LOOKED = ["model", "effort", "keep", "refine", "allow_empty"];
export const SUBJECT = [...LOOKED, "shift_edge", "feather", "decontaminate"];

export const FORM = ["format", "quality", "compression"];

const BLURRED_PX = 2.5e6;

/** The options that are understood here, and how it is drawn. Whatever has others is left to the service. */
const DRAWN = {
  "/remove-background": { options: ["output"], draw: cutOut },
  "/replace-background": { options: ["color", "fit"], draw: replace },
  "/blur-background": { options: ["strength"], draw: blur },
  "/color-pop": { options: ["saturation"], draw: pop },
  "/product-shot": {
    options: ["preset", "size", "aspect", "padding", "position", "scale", "upscale", "color", "fit", "shadow", "shadow_opacity"],
    draw: (scene) => productShot(scene.subject, scene.value, (size) => backed(scene, size)),
  },
};

/** `{picture, isExact}`, which is what the service would answer; null where this page cannot tell. `photo` and `subject`,
 *  straight alpha, have one size; `standard(name)` is an option's default, `backdrop` the picture of the request, and more
 *  than `blurredPx` pixels are not blurred. */
export function compose(request, { photo, subject, isOpaque = () => true, standard, backdrop = null, blurredPx = BLURRED_PX }) {
  const drawing = DRAWN[request.path];
  const fields = Object.fromEntries(request.fields.filter(([name]) => ![...SUBJECT, ...FORM].includes(name)));
  if (request.files.length && !backdrop) return null; // only the service can read it
  if (!drawing || Object.keys(fields).some((name) => !drawing.options.includes(name))) return null;
  const value = (name) => fields[name] ?? standard(name);
  const isFeathered = request.fields.some(([name]) => name === "feather");
  return drawing.draw({ photo, subject, isOpaque, value, backdrop, blurredPx, isFeathered, isSmooth: request.isSmooth });
}

function cutOut({ subject, value }) {
  return { picture: value("output") === "matte" ? greyOf(alphaOf(subject), subject) : subject, isExact: true };
}

function replace(scene) {
  const { context, isExact } = backed(scene, scene.photo);
  context.drawImage(scene.subject, 0, 0);
  return { picture: context.canvas, isExact };
}

function backed({ value, backdrop, isSmooth }, size) {
  const context = empty(size);
  if (backdrop) drawFitted(context, backdrop, value("fit"));
  else if (value("color") !== "transparent") fill(context, value("color") || "white");
  // What is enlarged here and there looks the same where nothing in it is sharp.
  return { context, isPlain: !backdrop, isExact: !backdrop || (isSmooth && value("fit") === "cover") };
}

/** Of a large photo a smaller one is blurred, which is seen at once; then the service's own comes. */
function blur({ photo, subject, isOpaque, value, blurredPx, isFeathered }) {
  const { width, height } = photo;
  const scale = Math.min(1, Math.sqrt(blurredPx / (width * height)));
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const blurred = blurredBackground(pixelsOf(drawn(photo, size)), alphaOf(drawn(subject, size)), Number(value("strength")));
  const picture = drawn(blurred, photo);
  picture.getContext("2d").drawImage(masked(photo, subject), 0, 0);
  return { picture, isExact: scale === 1 && !isFeathered && isOpaque() };
}

function pop({ photo, subject, isOpaque, value }) {
  const picture = drawn(photo);
  const context = picture.getContext("2d");
  context.globalCompositeOperation = "saturation";
  context.globalAlpha = 1 - Number(value("saturation"));
  fill(context, "#808080");
  Object.assign(context, { globalCompositeOperation: "source-over", globalAlpha: 1 });
  context.drawImage(masked(photo, subject), 0, 0);
  return { picture, isExact: isOpaque() };
}

/** A subject whose edge is softened, nearly as the service does it. */
export function feathered(subject, sigma) {
  const context = empty(subject);
  context.filter = `blur(${sigma}px)`;
  context.drawImage(subject, 0, 0);
  Object.assign(context, { filter: "none", globalCompositeOperation: "source-atop" });
  context.drawImage(subject, 0, 0);
  return context.canvas;
}

/** The photo, as the camera saw it, where `mask` is opaque; that may be smaller. */
export function masked(photo, mask) {
  const canvas = drawn(mask, photo);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "source-in";
  context.drawImage(photo, 0, 0);
  return canvas;
}

function drawFitted(context, picture, fit) {
  const { width, height } = context.canvas;
  if (fit === "stretch") { context.drawImage(picture, 0, 0, width, height); return; }
  if (fit === "tile") { fill(context, context.createPattern(picture, "repeat")); return; }
  if (fit === "contain") fill(context, "#000");
  drawInMiddle(context, picture, fit === "contain" ? Math.min : Math.max);
}
