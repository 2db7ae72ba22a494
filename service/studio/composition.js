// A request's picture, put together in this page at once: the photo and the subject that was cut out of it are here.
// The formulas are those of service/operations/, and of its colours nothing differs by more than two levels.

import { blurredBackground } from "./blur.js";
import { everyFourth, greyOf, pixelsOf } from "./pixels.js";

const SUBJECT = ["model", "effort", "keep", "refine", "allow_empty", "shift_edge", "feather", "decontaminate"];
const MOST_BLURRED_PX = 2.5e6;
const FORM = ["format", "quality", "compression"];

/** By operation: the options that are understood here, and how it is drawn. Whatever has others is left to the service. */
const DRAWN = {
  "/remove-background": { options: ["output"], draw: cutOut },
  "/replace-background": { options: ["color", "fit"], draw: replace },
  "/blur-background": { options: ["strength"], draw: blur },
  "/color-pop": { options: ["saturation"], draw: pop },
};

/** `{picture, isExact}`: a bitmap or a canvas, and whether it is what the service would answer; null where this page
 *  cannot tell. `standard(name)` is an option's default, `backdrop` the picture of the request, decoded. */
export function compose(request, shot, look, { standard, backdrop }) {
  const drawn = DRAWN[request.path];
  const fields = Object.fromEntries(request.fields.filter(([name]) => ![...SUBJECT, ...FORM].includes(name)));
  if (!drawn || Object.keys(fields).some((name) => !drawn.options.includes(name))) return null;
  const value = (name) => fields[name] ?? standard(name);
  const feathered = request.fields.some(([name]) => name === "feather");
  return drawn.draw({ shot, look, value, backdrop, feathered, isSmooth: request.isSmooth });
}

function cutOut({ look, value }) {
  const picture = value("output") === "matte" ? greyOf(look.alpha, look.picture) : look.picture;
  return { picture, isExact: true };
}

function replace({ shot, look, value, backdrop, isSmooth }) {
  const { canvas, context } = empty(shot.before);
  if (backdrop) drawFitted(context, backdrop, value("fit"));
  else if (value("color") !== "transparent") fill(context, value("color"));
  context.drawImage(look.picture, 0, 0);
  // What is enlarged here and there looks the same where nothing in it is sharp.
  return { picture: canvas, isExact: !backdrop || (isSmooth && value("fit") === "cover") };
}

/** Of a large photo a smaller one is blurred, which is seen at once; then the service's own comes. */
function blur({ shot, look, value, feathered }) {
  const { canvas, context } = empty(shot.before);
  const scale = Math.min(1, Math.sqrt(MOST_BLURRED_PX / (canvas.width * canvas.height)));
  const isWhole = scale === 1;
  if (isWhole) shot.pixels ??= pixelsOf(shot.before);
  const photo = isWhole ? shot.pixels : pixelsOf(scaled(shot.before, scale));
  const alpha = isWhole ? look.alpha : everyFourth(pixelsOf(scaled(look.picture, scale)).data, 3);
  context.drawImage(blurredBackground(photo, alpha, Number(value("strength"))), 0, 0, canvas.width, canvas.height);
  context.drawImage(masked(shot.before, look), 0, 0);
  return { picture: canvas, isExact: isWhole && !feathered && isOpaque(shot) };
}

function scaled(picture, scale) {
  const { canvas, context } = empty({ width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function pop({ shot, look, value }) {
  const { canvas, context } = empty(shot.before);
  context.drawImage(shot.before, 0, 0);
  context.globalCompositeOperation = "saturation";
  context.globalAlpha = 1 - Number(value("saturation"));
  fill(context, "#808080");
  context.globalCompositeOperation = "source-over";
  context.globalAlpha = 1;
  context.drawImage(masked(shot.before, look), 0, 0);
  return { picture: canvas, isExact: isOpaque(shot) };
}

/** A look whose edge is softened, nearly as the service does it: what lies outside has no sharp colours here. */
export function feathered(look, sigma) {
  const { canvas, context } = empty(look.picture);
  context.filter = `blur(${sigma}px)`;
  context.drawImage(look.picture, 0, 0);
  context.filter = "none";
  context.globalCompositeOperation = "source-atop";
  context.drawImage(look.picture, 0, 0);
  return { picture: canvas, headers: look.headers, get alpha() { return everyFourth(pixelsOf(canvas).data, 3); } };
}

/** The photo where the subject is, with the colours that the camera saw. */
function masked(photo, look) {
  const { canvas, context } = empty(photo);
  context.drawImage(look.picture, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.drawImage(photo, 0, 0);
  return canvas;
}

/** Whether nothing of the photo is transparent. */
function isOpaque(shot) {
  if (shot.file.type === "image/jpeg") return true;
  shot.pixels ??= pixelsOf(shot.before);
  shot.isOpaque ??= shot.pixels.data.every((level, index) => index % 4 !== 3 || level === 255);
  return shot.isOpaque;
}

function drawFitted(context, picture, fit) {
  const { width, height } = context.canvas;
  context.imageSmoothingQuality = "high";
  if (fit === "stretch") { context.drawImage(picture, 0, 0, width, height); return; }
  if (fit === "tile") { fill(context, context.createPattern(picture, "repeat")); return; }
  if (fit === "contain") fill(context, "#000");
  const choose = fit === "contain" ? Math.min : Math.max;
  const scale = choose(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

function fill(context, style) {
  context.fillStyle = style;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

function empty({ width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  return { canvas, context: canvas.getContext("2d") };
}
