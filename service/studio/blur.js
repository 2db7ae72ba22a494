// A background blurred without the subject's colours, by the service's own formula and with its rounding:
// blur(I w) / blur(w), where w says how much a pixel is background. See service/pixels/blur.py.

import { canvasOf } from "./pixels.js";

const FULL_SIGMA = 0.08; // of the picture's longer side, at strength 1
const SIGMA_SMALL_PX = 3;
const NARROW_PX = 9; // a smaller sigma is computed at full size
const SURE_POWER = 3;
const UNSURE_SHARE = 1 / 8;
const BOXES = 3; // that together make a Gaussian, as in Pillow
const PLANES = 4; // red, green, blue, weight

/** A canvas: `photo` (ImageData) blurred around the subject that `alpha` (8 bits a pixel) says. */
export function blurredBackground(photo, alpha, strength) {
  const sigma = strength * FULL_SIGMA * Math.max(photo.width, photo.height);
  const weight = weightsOf(alpha);
  return sigma < NARROW_PX ? narrow(photo, weight, sigma) : wide(photo, weight, sigma, Math.floor(sigma / SIGMA_SMALL_PX));
}

function weightsOf(alpha) {
  const table = Uint8Array.from({ length: 256 }, (_, level) => {
    const rest = 1 - level / 255;
    return Math.round(255 * Math.max(rest ** SURE_POWER, UNSURE_SHARE * rest));
  });
  return alpha.map((level) => table[level]);
}

/** As if the picture went on with its last row and column, means of `factor` x `factor` pixels are taken. */
function wide(photo, weight, sigma, factor) {
  const width = Math.ceil(photo.width / factor);
  const height = Math.ceil(photo.height / factor);
  const planes = reduced(photo, weight, factor, width, height);
  const left = Math.sqrt(sigma ** 2 - (factor ** 2 - 1) / 12) / factor; // the means have blurred already
  const blurred = planes.map((plane) => gaussian(gaussian(plane, width, height, 1, width, left), height, width, width, 1, left));
  return canvasOf(enlarged(normalised(blurred, width, height), factor, photo.width, photo.height));
}

/** Each side by `factor`, and cut to the photo's size; bicubic, along the rows first. */
function enlarged(small, factor, width, height) {
  const wide = new ImageData(width, small.height);
  spread(small.data, wide.data, { count: width, length: small.width, lines: small.height, step: 4, from: 4 * small.width, to: 4 * width, factor });
  const result = new ImageData(width, height);
  spread(wide.data, result.data, { count: height, length: small.height, lines: width, step: 4 * width, from: 4, to: 4, factor });
  return result;
}

/** Fills `count` pixels of each of `lines` from `length` of them; `step` leads to the next pixel, `from` and `to` to the
 *  next line. */
function spread(source, target, { count, length, lines, step, from, to, factor }) {
  for (let at = 0; at < count; at += 1) {
    const middle = (at + 0.5) / factor;
    const first = Math.max(0, Math.round(middle - 2));
    const last = Math.min(length, Math.round(middle + 2));
    const taps = Array.from({ length: last - first }, (_, index) => cubic(Math.abs(first + index + 0.5 - middle)));
    const total = taps.reduce((sum, tap) => sum + tap);
    for (let line = 0; line < lines; line += 1) {
      for (let channel = 0; channel < 4; channel += 1) {
        let sum = 0;
        for (let index = 0; index < taps.length; index += 1) sum += taps[index] * source[line * from + (first + index) * step + channel];
        target[line * to + at * step + channel] = sum / total;
      }
    }
  }
}

/** Keys 1981, with -1/2, as in Pillow. */
const cubic = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);

function reduced(photo, weight, factor, width, height) {
  const planes = Array.from({ length: PLANES }, () => new Float32Array(width * height));
  const { data } = photo;
  for (let y = 0; y < height * factor; y += 1) {
    const row = Math.min(y, photo.height - 1) * photo.width;
    const to = Math.floor(y / factor) * width;
    for (let x = 0; x < width * factor; x += 1) {
      const at = row + Math.min(x, photo.width - 1);
      const cell = to + Math.floor(x / factor);
      const w = weight[at];
      for (let plane = 0; plane < 3; plane += 1) planes[plane][cell] += Math.round((data[4 * at + plane] * w) / 255);
      planes[3][cell] += w;
    }
  }
  return planes.map((plane) => plane.map((sum) => Math.floor(sum / factor ** 2 + 0.5)));
}

/** Along lines of `length` values that are `step` apart and begin `stride` apart; the border is repeated outwards. */
function gaussian(plane, length, lines, step, stride, sigma) {
  const radius = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, index) => Math.exp(-0.5 * ((index - radius) / sigma) ** 2));
  const total = kernel.reduce((sum, value) => sum + value);
  const result = new Float32Array(plane.length);
  for (let line = 0; line < lines; line += 1) {
    for (let at = 0; at < length; at += 1) {
      let sum = 0;
      for (let index = 0; index < kernel.length; index += 1) {
        const near = Math.min(length - 1, Math.max(0, at + index - radius));
        sum += kernel[index] * plane[line * stride + near * step];
      }
      result[line * stride + at * step] = sum / total;
    }
  }
  return result;
}

function narrow(photo, weight, sigma) {
  const { width, height, data } = photo;
  const planes = [0, 1, 2].map((plane) => weight.map((w, at) => Math.round((data[4 * at + plane] * w) / 255)));
  const blurred = [...planes, weight].map((plane) => pillowBlur(plane, width, height, sigma));
  return canvasOf(normalised(blurred, width, height));
}

/** A Gaussian of three boxes each way. Source: Gwosdek et al. 2011, "extended box blur". */
function pillowBlur(plane, width, height, sigma) {
  const variance = sigma ** 2 / BOXES;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const part = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  let result = plane;
  for (let pass = 0; pass < BOXES; pass += 1) result = box(result, width, height, 1, width, whole, part);
  for (let pass = 0; pass < BOXES; pass += 1) result = box(result, height, width, width, 1, whole, part);
  return result;
}

/** The mean of 2 * `whole` + 1 values along a line, and of `part` of the next one on both sides. */
function box(plane, length, lines, step, stride, whole, part) {
  const result = new Uint8Array(plane.length);
  const share = 1 / (2 * (whole + part) + 1);
  for (let line = 0; line < lines; line += 1) {
    const start = line * stride;
    const value = (at) => plane[start + Math.min(length - 1, Math.max(0, at)) * step];
    let sum = 0;
    for (let at = -whole; at <= whole; at += 1) sum += value(at);
    for (let at = 0; at < length; at += 1) {
      const [before, after] = [value(at - whole - 1), value(at + whole + 1)];
      result[start + at * step] = Math.floor((sum + part * (before + after)) * share + 0.5);
      sum += after - value(at - whole);
    }
  }
  return result;
}

function normalised([red, green, blue, weight], width, height) {
  const pixels = new ImageData(width, height);
  for (let at = 0; at < weight.length; at += 1) {
    const scale = 255 / Math.max(weight[at], 1e-3);
    [red, green, blue].forEach((plane, index) => { pixels.data[4 * at + index] = Math.floor(plane[at] * scale + 0.5); });
    pixels.data[4 * at + 3] = 255;
  }
  return pixels;
}
