// Blurs, with the service's own formulas and rounding: see service/pixels/blur.py and Pillow's GaussianBlur.

import { canvasOf, empty } from "./pixels.js";

const FULL_SIGMA = 0.08; // of the picture's longer side, at strength 1
const SIGMA_SMALL_PX = 3;
const NARROW_PX = 9; // a smaller sigma is computed at full size
const SURE_POWER = 3;
const UNSURE_SHARE = 1 / 8;
const BOXES = 3; // that together make a Gaussian, as in Pillow

/** A canvas: `photo` (ImageData) blurred without the colours of the subject that `alpha` (8 bits a pixel) says:
 *  blur(I w) / blur(w), where w is how much a pixel is background. */
export function blurredBackground(photo, alpha, strength) {
  const sigma = strength * FULL_SIGMA * Math.max(photo.width, photo.height);
  const factor = sigma < NARROW_PX ? 1 : Math.floor(sigma / SIGMA_SMALL_PX);
  const small = { width: Math.ceil(photo.width / factor), height: Math.ceil(photo.height / factor) };
  const left = Math.sqrt(sigma ** 2 - (factor ** 2 - 1) / 12) / factor; // the means have blurred already
  const soften = factor === 1 ? (plane) => softened(plane, small, sigma) : (plane) => bothWays(plane, small, Float32Array, gaussian(left));
  const blurred = normalised(reduced(photo, weightsOf(alpha), factor, small).map(soften), small);
  if (factor === 1) return canvasOf(blurred);
  const context = empty(photo);
  context.drawImage(canvasOf(blurred), 0, 0, factor * small.width, factor * small.height);
  return context.canvas;
}

/** A plane of 8 bits a pixel, by Gaussians of these sigmas in pixels. Source: Gwosdek et al. 2011, "extended box blur". */
export function softened(plane, size, across, down = across) {
  const [rows, columns] = waysOf(size);
  let result = plane;
  for (let pass = 0; pass < BOXES; pass += 1) result = along(result, Uint8Array, rows, box(across));
  for (let pass = 0; pass < BOXES; pass += 1) result = along(result, Uint8Array, columns, box(down));
  return result;
}

function weightsOf(alpha) {
  const table = Uint8Array.from({ length: 256 }, (_, level) => {
    const rest = 1 - level / 255;
    return Math.round(255 * Math.max(rest ** SURE_POWER, UNSURE_SHARE * rest));
  });
  return alpha.map((level) => table[level]);
}

/** Red, green, blue and weight: means of `factor` x `factor` pixels, as if the picture went on with its last ones. */
function reduced(photo, weight, factor, { width, height }) {
  const planes = Array.from({ length: 4 }, () => new Float32Array(width * height));
  for (let y = 0; y < height * factor; y += 1) {
    const row = Math.min(y, photo.height - 1) * photo.width;
    const to = Math.floor(y / factor) * width;
    for (let x = 0; x < width * factor; x += 1) {
      const at = row + Math.min(x, photo.width - 1);
      const cell = to + Math.floor(x / factor);
      for (let plane = 0; plane < 3; plane += 1) planes[plane][cell] += Math.round((photo.data[4 * at + plane] * weight[at]) / 255);
      planes[3][cell] += weight[at];
    }
  }
  return planes.map((plane) => plane.map((sum) => Math.floor(sum / factor ** 2 + 0.5)));
}

function normalised([red, green, blue, weight], { width, height }) {
  const pixels = new ImageData(width, height);
  pixels.data.fill(255);
  [red, green, blue].forEach((plane, channel) => {
    for (let at = 0; at < plane.length; at += 1) pixels.data[4 * at + channel] = Math.floor((plane[at] * 255) / Math.max(weight[at], 1e-3) + 0.5);
  });
  return pixels;
}

const waysOf = ({ width, height }) => [
  { lines: height, length: width, stride: width, step: 1 },
  { lines: width, length: height, stride: 1, step: width },
];

const bothWays = (plane, size, Kind, filter) => waysOf(size).reduce((result, way) => along(result, Kind, way, filter), plane);

/** `filter(value)` makes, for each line, the function of a place on it; `value(at)` goes on beyond the ends. */
function along(plane, Kind, { lines, length, stride, step }, filter) {
  const result = new Kind(plane.length);
  for (let line = 0; line < lines; line += 1) {
    const start = line * stride;
    const filtered = filter((at) => plane[start + Math.min(length - 1, Math.max(0, at)) * step]);
    for (let at = 0; at < length; at += 1) result[start + at * step] = filtered(at);
  }
  return result;
}

function gaussian(sigma) {
  const radius = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, index) => Math.exp(-0.5 * ((index - radius) / sigma) ** 2));
  const total = kernel.reduce((sum, value) => sum + value);
  return (value) => (at) => {
    let sum = 0;
    for (let index = 0; index < kernel.length; index += 1) sum += kernel[index] * value(at + index - radius);
    return sum / total;
  };
}

/** The mean of 2 * `whole` + 1 values, and of `part` of the next one on both sides. */
function box(sigma) {
  const variance = sigma ** 2 / BOXES;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const part = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  const share = 1 / (2 * (whole + part) + 1);
  return (value) => {
    let sum = 0;
    for (let at = -whole; at <= whole; at += 1) sum += value(at);
    return (at) => {
      const after = value(at + whole + 1);
      const mean = Math.floor((sum + part * (value(at - whole - 1) + after)) * share + 0.5);
      sum += after - value(at - whole);
      return mean;
    };
  };
}
