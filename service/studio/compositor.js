// Puts a frame and its matte together on a canvas, with whatever goes behind the subject.

import { checkerboard } from "./board.js";

const BLUR_SIDE_PX = 160; // the background is blurred at this size: what is lost would be blurred away
const LARGEST_SIGMA = 0.08; // of the longer side at strength 1, as `/blur-background` has it
const HOLES_FILLED = 6; // times that the blurred background is laid over itself, until no hole is left

/** Safari's canvas has no filters: there, a smaller picture that is enlarged again is the blur. */
const CAN_FILTER = "filter" in CanvasRenderingContext2D.prototype;

export class Compositor {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
    this.board = this.context.createPattern(checkerboard(), "repeat");
    this.matte = new OffscreenCanvas(1, 1);
    this.cutout = new OffscreenCanvas(1, 1);
    this.small = new OffscreenCanvas(1, 1);
    this.blurred = new OffscreenCanvas(1, 1);
  }

  /** Draws a picture that the service has composed. */
  show(picture) {
    this.#resize(picture.width, picture.height);
    this.checkerboard();
    this.context.drawImage(picture, 0, 0);
  }

  /** `frame` is a canvas; `matte` is `{width, height, content}`, 8 bits a pixel, and covers the whole frame;
   *  `look` is `{effect, color, picture, strength, saturation}`. */
  compose(frame, matte, look) {
    this.#resize(frame.width, frame.height);
    this.#loadMatte(matte);
    BEHIND[look.effect]?.(this, frame, look);
    const { cutout } = this;
    const context = sized(cutout, frame.width, frame.height);
    context.drawImage(frame, 0, 0);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.matte, 0, 0, frame.width, frame.height);
    this.context.drawImage(cutout, 0, 0);
  }

  fill(color) {
    this.context.fillStyle = color;
    this.context.fillRect(0, 0, this.context.canvas.width, this.context.canvas.height);
  }

  /** As large as it must be to leave nothing uncovered, its middle in the middle. */
  cover(picture) {
    const { width, height } = this.context.canvas;
    const scale = Math.max(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    this.context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  }

  checkerboard() { this.fill(this.board); }

  grey(frame, saturation) {
    const { context } = this;
    context.drawImage(frame, 0, 0);
    context.save();
    context.globalCompositeOperation = "saturation";
    context.globalAlpha = 1 - saturation;
    this.fill("#808080");
    context.restore();
  }

  /** Without the subject, so that its colours do not bleed: it is cut out first, and the hole closes as the rest, with
   *  the alpha that the blur left it, is laid over itself. */
  blur(frame, strength) {
    const sigma = Math.max(0.5, strength * LARGEST_SIGMA * BLUR_SIDE_PX);
    const side = CAN_FILTER ? BLUR_SIDE_PX : BLUR_SIDE_PX / (1 + 2 * sigma);
    const scale = side / Math.max(frame.width, frame.height);
    const [width, height] = [Math.round(frame.width * scale), Math.round(frame.height * scale)];
    const rest = sized(this.small, width, height);
    rest.drawImage(frame, 0, 0, width, height);
    rest.globalCompositeOperation = "destination-out";
    rest.drawImage(this.matte, 0, 0, width, height);
    const soft = sized(this.blurred, width, height);
    soft.filter = `blur(${sigma}px)`;
    soft.drawImage(this.small, 0, 0);
    this.context.drawImage(frame, 0, 0);
    for (let layer = 0; layer < HOLES_FILLED; layer += 1) this.cover(this.blurred);
  }

  #resize(width, height) {
    const { canvas } = this.context;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.context.imageSmoothingQuality = "high";
  }

  #loadMatte({ width, height, content }) {
    const context = sized(this.matte, width, height);
    const pixels = context.createImageData(width, height);
    for (let index = 0; index < content.length; index += 1) pixels.data[4 * index + 3] = content[index];
    context.putImageData(pixels, 0, 0);
  }
}

/** What lies behind the subject, by effect. */
const BEHIND = {
  "remove-background": (compositor) => compositor.checkerboard(),
  "replace-background": (compositor, frame, { color, picture }) => {
    if (picture) compositor.cover(picture);
    else if (color === "transparent") compositor.checkerboard();
    else compositor.fill(color);
  },
  "blur-background": (compositor, frame, { strength }) => compositor.blur(frame, strength),
  "color-pop": (compositor, frame, { saturation }) => compositor.grey(frame, saturation),
};

/** The context of an empty canvas of this size. */
function sized(canvas, width, height) {
  const context = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  else context.reset();
  return context;
}
